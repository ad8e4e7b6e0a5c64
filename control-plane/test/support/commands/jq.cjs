// Stands in for jq where it is not installed: `jq -r ".a.b"`.
const path = process.argv.at(-1).split('.').filter(Boolean);
let text = '';
process.stdin.on('data', (chunk) => {
  text += chunk;
});
process.stdin.on('end', () => {
  process.stdout.write(`${path.reduce((value, key) => value[key], JSON.parse(text))}\n`);
});
