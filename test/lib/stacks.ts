/**
 * Stacks with an EdgeIsr in them, synthesised as `npx cdk synth` does it: with the feature flags of cdk.json.
 * @module
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { EdgeIsr, type EdgeIsrProps } from '../../lib';

export const root = join(__dirname, '../..');

export interface Built {
  readonly app: App;
  readonly stack: Stack;
  readonly isr: EdgeIsr;
}

export function build(
  props: Partial<EdgeIsrProps> = {},
  env: { region?: string; account?: string } = { region: 'us-east-1' },
): Built {
  const { context } = JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8'));
  const app = new App({ context, outdir: mkdtempSync(join(tmpdir(), 'isr-synth-')) });
  const stack = new Stack(app, 'Site', { env });
  const isr = new EdgeIsr(stack, 'Isr', { origin: new HttpOrigin('example.org'), ...props });
  return { app, stack, isr };
}

export function templateOf(
  props: Partial<EdgeIsrProps> = {},
  env?: { region?: string; account?: string },
): Template {
  return Template.fromStack(build(props, env).stack);
}

/** The one resource of a type. */
export function only(template: Template, type: string) {
  const found = Object.values(template.findResources(type));
  if (found.length !== 1) throw new Error(`${found.length} resources of type ${type}`);
  return found[0]?.Properties;
}
