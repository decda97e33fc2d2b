/**
 * DynamoDB's expressions, as far as aws/ uses them: SET with values, if_not_exists and sums; REMOVE; conditions of comparisons and
 * attribute functions, joined by AND, OR and parentheses. What it cannot read it refuses: a new expression must be taught here first.
 * @see DDB, Expressions.UpdateExpressions, Expressions.OperatorsAndFunctions
 * @module
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;
export type Names = Readonly<Record<string, string>> | undefined;
export type Values = Item | undefined;

type Path = readonly string[];
type Condition = (item: Item, values: Item) => boolean;
type Assignment = (before: Item, after: Item, values: Item) => void;

export function conditionOf(text: string, names: Names): Condition {
  const any = outside(text, ' OR ').map((part) =>
    outside(part, ' AND ').map((it) => {
      const [, inner] = /^\((.*)\)$/.exec(it.trim()) ?? [];
      return inner === undefined ? clauseOf(it.trim(), names) : conditionOf(inner, names);
    }),
  );
  return (item, values) => any.some((all) => all.every((clause) => clause(item, values)));
}

/** Split at a word, but not within parentheses. */
function outside(text: string, word: string): string[] {
  const parts: string[] = [];
  for (const piece of text.split(word)) {
    const last = parts.at(-1);
    if (last !== undefined && depthOf(last) > 0) parts[parts.length - 1] = last + word + piece;
    else parts.push(piece);
  }
  return parts;
}

function depthOf(text: string): number {
  return text.split('(').length - text.split(')').length;
}

function clauseOf(text: string, names: Names): Condition {
  const call = /^(attribute_exists|attribute_not_exists)\(([\w#.]+)\)$/.exec(text);
  if (call) {
    const path = pathOf(call[2] as string, names);
    const wanted = call[1] === 'attribute_exists';
    return (item) => (valueAt(item, path) !== undefined) === wanted;
  }
  const prefix = /^begins_with\(([\w#.]+), (:\w+)\)$/.exec(text);
  if (prefix) {
    const path = pathOf(prefix[1] as string, names);
    return (item, values) => {
      const start = given(values, prefix[2] as string).S ?? '';
      return valueAt(item, path)?.S?.startsWith(start) ?? false;
    };
  }
  const compare = /^([\w#.]+) (=|<=|>=|<|>) (:\w+)$/.exec(text);
  if (!compare) throw new Error(`the simulated DynamoDB cannot read the condition ${text}`);
  const path = pathOf(compare[1] as string, names);
  return (item, values) =>
    holds(valueAt(item, path), compare[2] as string, given(values, compare[3] as string));
}

function holds(left: AttributeValue | undefined, operator: string, right: AttributeValue): boolean {
  if (left === undefined) return false;
  if (operator === '=') return (left.S ?? left.N) === (right.S ?? right.N);
  const comparable = ({ S, N }: AttributeValue) => S ?? Number(N);
  const [a, b] = [comparable(left), comparable(right)];
  if (operator === '<') return a < b;
  if (operator === '>=') return a >= b;
  return operator === '>' ? a > b : a <= b;
}

export function updateOf(text: string, names: Names): (item: Item, values: Item) => Item {
  if (text.startsWith('REMOVE ')) return removalOf(text.slice(7), names);
  if (!text.startsWith('SET ')) throw new Error(`the simulated DynamoDB cannot read ${text}`);
  const assignments = text
    .slice(4)
    .split(/, (?![^(]*\))/)
    .map((part) => assignmentOf(part, names));
  return (before, values) => {
    const after = { ...before };
    for (const assign of assignments) assign(before, after, values);
    return after;
  };
}

function removalOf(text: string, names: Names): (item: Item) => Item {
  const gone = new Set(text.split(', ').map((name) => pathOf(name, names)[0]));
  return (before) => Object.fromEntries(Object.entries(before).filter(([name]) => !gone.has(name)));
}

function assignmentOf(text: string, names: Names): Assignment {
  const parts = /^([\w#.]+) = (?:(:\w+)|if_not_exists\(([\w#.]+), (:\w+)\))(?: \+ (:\w+))?$/.exec(
    text,
  );
  if (!parts) throw new Error(`the simulated DynamoDB cannot read the assignment ${text}`);
  const [, target, plain, fallback, otherwise, added] = parts;
  const path = pathOf(target as string, names);
  const from = fallback === undefined ? undefined : pathOf(fallback, names);
  return (before, after, values) => {
    const value = given(values, (plain ?? otherwise) as string);
    const base = from ? (valueAt(before, from) ?? value) : value;
    setAt(after, path, added === undefined ? base : sum(base, given(values, added)));
  };
}

function sum(a: AttributeValue, b: AttributeValue): AttributeValue {
  return { N: String(Number(a.N) + Number(b.N)) };
}

function pathOf(text: string, names: Names): Path {
  return text.split('.').map((step) => {
    if (!step.startsWith('#')) return step;
    const name = names?.[step];
    if (name === undefined) throw new Error(`ValidationException: ${step} has no name`);
    return name;
  });
}

function given(values: Item, name: string): AttributeValue {
  const value = values[name];
  if (value === undefined) throw new Error(`ValidationException: ${name} has no value`);
  return value;
}

function valueAt(item: Item, [first, ...rest]: Path): AttributeValue | undefined {
  const value = item[first as string];
  return rest.length === 0 || value === undefined ? value : valueAt(value.M ?? {}, rest);
}

function setAt(item: Item, [first, ...rest]: Path, value: AttributeValue): void {
  if (rest.length === 0) {
    item[first as string] = value;
    return;
  }
  const map = item[first as string]?.M;
  if (!map) throw new Error('ValidationException: the document path is invalid for update');
  const copy = { ...map }; // an item that was read stays as it was
  item[first as string] = { M: copy };
  setAt(copy, rest, value);
}
