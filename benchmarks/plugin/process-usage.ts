import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** Process ids of a process and all below it (Linux). */
function family(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const fields = statOf(Number(name));
      return fields ? [[Number(name), Number(fields[1])] as const] : [];
    });
  const members = [pid];
  for (const member of members) {
    for (const [child, parent] of parents) if (parent === member) members.push(child);
  }
  return members;
}

/** Fields of /proc/<pid>/stat from the state on, as proc(5) numbers them from 3. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/** Processor seconds that a process and those below it have used: on shared cores the measure that holds still. */
export function processorSeconds(pid: number): number {
  return family(pid).reduce((sum, member) => {
    const fields = statOf(member);
    return fields ? sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond : sum;
  }, 0);
}

/** Resident memory of a process and those below it, in MiB. */
export function residentMebibytes(pid: number): number {
  return family(pid).reduce((sum, member) => {
    const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${member}/status`, 'latin1'))?.[1];
    return sum + Number(kibibytes ?? 0) / 1024;
  }, 0);
}
