/**
 * Loaded into a plugin server with --require: while the file FULL_DISK_FLAG exists, the disk is full. Half of a
 * write still fits, as on a real disk, and then the rest fails.
 */
const fs = require('node:fs');

const flag = process.env.FULL_DISK_FLAG;
const { writeSync, existsSync } = fs;

const full = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

let hasTorn = false;

fs.writeSync = (fd, buffer, offset, length, position) => {
  if (!existsSync(flag)) return writeSync(fd, buffer, offset, length, position);
  hasTorn = !hasTorn;
  if (!hasTorn || length < 2) throw full();
  return writeSync(fd, buffer, offset, Math.floor(length / 2), position);
};
