import { readFileSync } from 'node:fs';

/** Resident memory of a process, bytes (Linux; 0 elsewhere and after its end). */
export const residentBytes = (pid: number): number => {
  try {
    const kibibytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return Number(kibibytes ?? 0) * 1_024;
  } catch {
    return 0;
  }
};
