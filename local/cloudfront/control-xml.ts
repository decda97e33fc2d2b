/**
 * CloudFront's control API on the wire: REST-XML, version 2020-05-31.
 *
 *     <InvalidationBatch xmlns="…"><Paths><Quantity>1</Quantity><Items><Path>/a</Path></Items></Paths>
 *       <CallerReference>r1</CallerReference></InvalidationBatch>
 *
 * @see CFAPI, API_CreateInvalidation, API_GetInvalidation, API_ListInvalidations
 * @module
 */
import { XMLParser } from 'fast-xml-parser';

export const API_VERSION = '2020-05-31';
const NAMESPACE = `http://cloudfront.amazonaws.com/doc/${API_VERSION}/`;

export interface Batch {
  readonly quantity: number;
  readonly items: readonly string[];
  readonly callerReference: string;
}

export interface Invalidation {
  readonly id: string;
  readonly createdAtMs: number;
  readonly isCompleted: boolean;
  readonly items: readonly string[];
  readonly callerReference: string;
}

/** A request that the API refuses. */
export class ControlError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const parser = new XMLParser({
  parseTagValue: false, // a path that looks like a number stays a path
  trimValues: false,
  ignoreAttributes: true,
  removeNSPrefix: true,
  isArray: (name) => name === 'Path',
});

/** @throws ControlError `MissingBody`, `MalformedInput` or `InvalidArgument` */
export function parseBatch(xml: string): Batch {
  if (xml.trim() === '') {
    throw new ControlError(400, 'MissingBody', 'This operation requires a body.');
  }
  const batch = childOf(parsed(xml), 'InvalidationBatch');
  const paths = childOf(batch, 'Paths');
  const callerReference = textOf(batch.CallerReference);
  if (!callerReference) {
    throw new ControlError(400, 'InvalidArgument', 'The parameter CallerReference is required.');
  }
  const items = isElement(paths.Items) && Array.isArray(paths.Items.Path) ? paths.Items.Path : [];
  const quantity = textOf(paths.Quantity)?.trim() ?? '';
  if (!/^\d+$/.test(quantity)) {
    throw new ControlError(400, 'MalformedInput', 'Paths.Quantity is not a whole number.');
  }
  return {
    quantity: Number(quantity),
    items: items.map((item) => textOf(item) ?? ''),
    callerReference,
  };
}

function parsed(xml: string): Record<string, unknown> {
  try {
    return parser.parse(xml, true) as Record<string, unknown>;
  } catch (thrown) {
    throw new ControlError(400, 'MalformedInput', (thrown as Error).message);
  }
}

function childOf(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const child = parent[name];
  if (isElement(child)) return child;
  throw new ControlError(400, 'MalformedInput', `The element ${name} is missing.`);
}

function isElement(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function formatInvalidation(invalidation: Invalidation): string {
  const { items, callerReference } = invalidation;
  const paths = items.map((item) => element('Path', text(item))).join('');
  const batch = [
    element('Paths', element('Quantity', String(items.length)) + element('Items', paths)),
    element('CallerReference', text(callerReference)),
  ];
  return document(
    'Invalidation',
    formatSummary(invalidation) + element('InvalidationBatch', batch.join('')),
  );
}

export interface Page {
  readonly marker: string;
  readonly itemsMax: number;
  readonly invalidations: readonly Invalidation[];
  readonly nextMarker: string | undefined;
}

export function formatList({ marker, itemsMax, invalidations, nextMarker }: Page): string {
  const summaries = invalidations.map((one) => element('InvalidationSummary', formatSummary(one)));
  const parts = [
    element('Marker', text(marker)),
    nextMarker === undefined ? '' : element('NextMarker', text(nextMarker)),
    element('MaxItems', String(itemsMax)),
    element('IsTruncated', String(nextMarker !== undefined)),
    element('Quantity', String(invalidations.length)),
    summaries.length === 0 ? '' : element('Items', summaries.join('')),
  ];
  return document('InvalidationList', parts.join(''));
}

function formatSummary({ id, createdAtMs, isCompleted }: Invalidation): string {
  return [
    element('Id', id),
    element('Status', isCompleted ? 'Completed' : 'InProgress'),
    element('CreateTime', new Date(createdAtMs).toISOString()),
  ].join('');
}

export function formatError({ status, code, message }: ControlError, requestId: string): string {
  const error = [
    element('Type', status < 500 ? 'Sender' : 'Receiver'),
    element('Code', code),
    element('Message', text(message)),
  ];
  return document(
    'ErrorResponse',
    element('Error', error.join('')) + element('RequestId', requestId),
  );
}

function document(name: string, content: string): string {
  return `<?xml version="1.0"?>\n<${name} xmlns="${NAMESPACE}">${content}</${name}>`;
}

function element(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function text(value: string): string {
  return value
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\r/g, '&#13;');
}
