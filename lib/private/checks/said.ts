/**
 * How a prop is checked: numbers, durations, lists, ARNs; and the one sentence that names the prop, its value, the rule.
 * @module
 */
import { type Duration, Token } from 'aws-cdk-lib';
import { IsrError } from '../../../core/errors';

export interface Range {
  readonly min: number;
  readonly max: number;
}

export function invalid(prop: string, problem: string): IsrError {
  return new IsrError('option-invalid', `EdgeIsr: ${prop} ${problem}`, prop);
}

/** Also when it is missing, since not everybody has a compiler. */
export function isKnown(text: string | undefined): text is string {
  return text !== undefined && !Token.isUnresolved(text);
}

const DEPLOYMENT_ONLY = 'is known at deployment only: give a fixed value';

export function checkKnown(prop: string, value: unknown): void {
  if (Token.isUnresolved(value)) throw invalid(prop, DEPLOYMENT_ONLY);
}

export function checkThere(prop: string, value: unknown, rule: string): void {
  if (value === undefined || value === null) throw invalid(prop, `is missing: ${rule}`);
}

export function checkCount(prop: string, value: number | undefined, { min, max }: Range): void {
  if (value === undefined) return;
  checkKnown(prop, value);
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalid(prop, `is ${value}: it takes a whole number from ${min} to ${max}`);
}

/** Whole seconds, unless it says otherwise. */
export function checkSeconds(
  prop: string,
  value: Duration | undefined,
  { min, max, isWhole = true }: Range & { readonly isWhole?: boolean },
): void {
  if (value === undefined) return;
  if (value.isUnresolved()) throw invalid(prop, DEPLOYMENT_ONLY);
  const seconds = value.toMilliseconds({ integral: false }) / 1_000;
  if (isWhole && !Number.isInteger(seconds))
    throw invalid(prop, `is ${seconds} s: it takes whole seconds`);
  if (seconds < min || seconds > max)
    throw invalid(prop, `is ${seconds} s: it lies between ${min} and ${max} s`);
}

export type Problem = (value: string) => string | undefined;

/** A list that is there has something in it. */
export function checkSome(
  prop: string,
  values: readonly string[] | undefined,
  problem: Problem,
): void {
  if (values?.length === 0) throw invalid(prop, 'is empty: name some, or leave it out');
  checkEach(prop, values, problem);
}

/** Nothing stands in it twice. */
export function checkEach(
  prop: string,
  values: readonly string[] | undefined,
  problem: Problem,
): void {
  values?.forEach((value, at) => {
    const said = values.indexOf(value) === at ? problem(value) : 'it is named twice';
    if (said) throw invalid(`${prop}[${at}]`, `is ${JSON.stringify(value)}: ${said}`);
  });
}

/** One of an enum's values: a compiler would have said it. */
export function checkOneOf(
  prop: string,
  value: string | undefined,
  allowed: Readonly<Record<string, string>>,
): void {
  const words = Object.values(allowed);
  if (value === undefined || words.includes(value)) return;
  throw invalid(prop, `is ${JSON.stringify(value)}: it takes ${words.join(', ')}`);
}

/** `arn:aws:acm:us-east-1:…`; undefined where that is not known yet. */
export function regionIn(arn: string | undefined): string | undefined {
  return isKnown(arn) ? arn.split(':')[3] : undefined;
}
