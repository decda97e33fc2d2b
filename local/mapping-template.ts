/**
 * API Gateway's mapping templates: Velocity, with the variables and the methods of Java's strings that ours use.
 * @see APIG, api-gateway-mapping-template-reference
 * @module
 */
import { render } from 'velocityjs';

export interface TemplateInput {
  /** The request's body, or in a template of an answer what the integration answered. */
  readonly body: string;
  /** Names as the request spelled them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, unknown>>;
}

/** Java's, where JavaScript has none of the name, or another one. */
const JAVA: Readonly<Record<string, (text: string, ...args: string[]) => unknown>> = {
  matches: (text, pattern = '') => new RegExp(`^(?:${pattern})$`).test(text),
  equalsIgnoreCase: (text, other = '') => text.toLowerCase() === other.toLowerCase(),
  replaceAll: (text, pattern = '', by = '') => text.replace(new RegExp(pattern, 'g'), by),
};

interface Call {
  readonly property: string | number;
  readonly context: unknown;
  readonly params: unknown[];
}

const customMethodHandlers = Object.entries(JAVA).map(([name, call]) => ({
  uid: `java: ${name}`,
  match: ({ property, context }: Call) => property === name && typeof context === 'string',
  resolve: ({ context, params }: Call) => call(String(context), ...params.map(String)),
}));

export function fillTemplate(template: string, { body, headers, context }: TemplateInput): string {
  const util = { urlEncode, escapeJavaScript };
  const input = {
    body,
    params: () => ({ header: { ...headers } }),
    path: (path: string) => valueAt(body, path),
  };
  return render(template, { util, input, context: { ...context } }, {}, { customMethodHandlers });
}

function urlEncode(text: string): string {
  return new URLSearchParams({ text }).toString().slice('text='.length);
}

/** As Java's StringEscapeUtils has it, which escapes single quotes too. */
function escapeJavaScript(text: string): string {
  return JSON.stringify(text).slice(1, -1).replaceAll("'", "\\'").replaceAll('/', '\\/');
}

/** Of JSON, by a path of names: `$.Error.Code`. */
function valueAt(body: string, path: string): unknown {
  const names = path.split('.').slice(1);
  return names.reduce<unknown>(
    (value, name) => (value as Record<string, unknown> | undefined)?.[name],
    JSON.parse(body),
  );
}
