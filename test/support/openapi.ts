/** Holds every answer of the API to what its OpenAPI document says of it. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

/** What is read of the document. */
export interface Document {
  openapi: string;
  servers: { url: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: object;
}

interface Operation {
  operationId: string;
  responses: Record<string, Answer>;
}

interface Answer {
  content?: Record<string, { schema: object }>;
}

export interface CheckedAnswer {
  method: string;
  /** Below /api/v1, without the query. */
  path: string;
  status: number;
  contentType: string;
  text: string;
}

/** Answers what is wrong with an answer; nothing when it is as it is documented. */
export function createAnswerCheck(document: Document) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: 'openapi', components: document.components });
  const compiled = new Map<object, ValidateFunction>();

  return ({ method, path, status, contentType, text }: CheckedAnswer): string | undefined => {
    const operation = operationOf(document, method, path);
    // A method that is not documented is refused; OPTIONS tells which there are.
    if (!operation && (status === 405 || method === 'OPTIONS')) return undefined;
    if (!operation) return `${method} ${path} is not documented`;
    const answer = operation.responses[String(status)];
    if (!answer) return `${method} ${path} answers ${status}, which is not documented`;
    const type = contentType.split(';')[0] ?? '';
    if (!answer.content) return undefined;
    const schema = answer.content[type]?.schema;
    if (!schema) return `${method} ${path} answers ${status} as ${type}, which is not documented`;
    if (!type.endsWith('json')) return undefined;
    const validate = compiled.get(schema) ?? ajv.compile(withBase(schema));
    compiled.set(schema, validate);
    if (validate(JSON.parse(text))) return undefined;
    return `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}\n${text}`;
  };
}

/** Literal segments go before parameters, and the last parameter may hold slashes. */
function operationOf({ paths }: Document, method: string, path: string) {
  const known = Object.keys(paths).toSorted((a, b) => (literals(a) < literals(b) ? 1 : -1));
  const found = known.find((template) => {
    const inner = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
    const isFile = template.endsWith('/files/{path}');
    const pattern = inner
      .replace(/\/\{path\}$/, isFile ? '/.+' : '/[^/]+')
      .replace(/\{\w+\}/g, '[^/]+');
    return new RegExp(`^${pattern}$`).test(path);
  });
  return found === undefined ? undefined : paths[found]?.[method.toLowerCase()];
}

function literals(template: string): string {
  return template
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '0' : '1'))
    .join('');
}

function withBase(schema: object): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"openapi#/components'));
}
