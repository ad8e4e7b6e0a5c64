// Shows /openapi.json: one section a tag, one folding block an operation. Texts are set as text, never as markup.

const methods = ['get', 'post', 'put', 'patch', 'delete'];

const element = (name, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== undefined));
  return made;
};

const operationsOf = (description) =>
  Object.entries(description.paths).flatMap(([path, item]) =>
    methods.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })),
  );

/** A schema with its references followed once, so that one level of fields is readable in place. */
const expand = (schema, components, depth = 0) => {
  if (Array.isArray(schema)) return schema.map((item) => expand(item, components, depth));
  if (typeof schema !== 'object' || schema === null) return schema;
  if (schema.$ref && depth < 4) {
    return expand(components[schema.$ref.split('/').at(-1)] ?? {}, components, depth + 1);
  }
  return Object.fromEntries(
    Object.entries(schema).map(([key, part]) => [key, expand(part, components, depth)]),
  );
};

const schemaBlock = (title, content, components) =>
  Object.entries(content ?? {}).map(([type, { schema }]) =>
    element(
      'div',
      {},
      element('h4', { textContent: `${title} (${type})` }),
      schema
        ? element('pre', { textContent: JSON.stringify(expand(schema, components), null, 2) })
        : undefined,
    ),
  );

const parameterTable = (parameters) =>
  element(
    'table',
    {},
    element('tr', {}, ...['Parameter', 'In', 'Type', ''].map((text) => element('th', { textContent: text }))),
    ...parameters.map(({ name, in: where, required, schema, description = '' }) =>
      element(
        'tr',
        {},
        element('td', {}, element('code', { textContent: required ? `${name} *` : name })),
        element('td', { textContent: where }),
        element('td', {
          textContent: schema.enum ? schema.enum.join(' | ') : (schema.type ?? 'any'),
        }),
        element('td', { textContent: description }),
      ),
    ),
  );

/** The body of an operation is made when it is opened: all of them at once would be thousands of nodes. */
const operationBlock = (operation, components) => {
  const scope = operation['x-tollgate-scope'];
  const block = element(
    'details',
    {},
    element(
      'summary',
      {},
      element('span', { className: 'method', textContent: operation.method }),
      element('code', { textContent: operation.path }),
      ` ${operation.summary} `,
      element('span', { className: 'scope', textContent: scope ? `[${scope}]` : '' }),
    ),
  );
  block.addEventListener(
    'toggle',
    () => {
      if (operation.parameters?.length) block.append(parameterTable(operation.parameters));
      block.append(...schemaBlock('Body', operation.requestBody?.content, components));
      for (const [status, response] of Object.entries(operation.responses)) {
        block.append(element('h4', { textContent: `${status}: ${response.description}` }));
        block.append(...schemaBlock('Answer', response.content, components));
      }
    },
    { once: true },
  );
  return block;
};

const show = (description, filter) => {
  const wanted = operationsOf(description).filter(({ path, method, summary }) =>
    `${method} ${path} ${summary}`.toLowerCase().includes(filter.toLowerCase()),
  );
  const sections = Object.entries(Object.groupBy(wanted, ({ tags }) => tags[0])).sort();
  document
    .querySelector('#operations')
    .replaceChildren(
      ...sections.map(([tag, operations]) =>
        element(
          'section',
          {},
          element('h2', { textContent: tag }),
          ...operations.map((operation) => operationBlock(operation, description.components.schemas)),
        ),
      ),
    );
};

const response = await fetch('/openapi.json');
const description = await response.json();
document.querySelector('#version').textContent = description.info.version;
const search = document.querySelector('#search');
search.addEventListener('input', () => show(description, search.value));
show(description, '');
