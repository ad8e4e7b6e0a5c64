// Stands in for curl where it is not installed or too old for --json: sends the same bytes.
const args = process.argv.slice(2);
const headers = {};
let url;
let method;
let body;
while (args.length > 0) {
  const argument = args.shift();
  if (argument === '-X' || argument === '--request') method = args.shift();
  else if (argument === '--url') url = args.shift();
  else if (argument === '-d' || argument === '--data') body = args.shift().replaceAll(/[\r\n]/g, '');
  else if (argument === '--json') {
    body = args.shift();
    headers['content-type'] ??= 'application/json';
    headers.accept ??= 'application/json';
  } else if (argument === '-H' || argument === '--header') {
    const [name, ...value] = args.shift().split(':');
    headers[name.toLowerCase()] = value.join(':').trim();
  } else if (!argument.startsWith('-')) url = argument;
}
fetch(url, { method: method ?? (body === undefined ? 'GET' : 'POST'), headers, body }).then(
  async (response) => {
    process.stdout.write(await response.text());
    if (!response.ok) process.exitCode = 22;
  },
);
