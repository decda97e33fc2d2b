/**
 * An app that tells how long it took:
 *
 *     node dist/bench/synth/app.js minimal     {"constructMs":210,"synthMs":1180}
 *     node dist/bench/synth/app.js bundling    its four functions once more, as NodejsFunction would bring them
 *     node dist/bench/synth/app.js empty       a stack with one output: what the CDK itself takes
 *
 * @module
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { EdgeIsr } from '../../lib';

const kind = process.argv[2];
const app = new App();
const stack = new Stack(app, 'Site', { env: { region: 'eu-west-1' } });
const beganMs = performance.now();
if (kind === 'empty') new CfnOutput(stack, 'Nothing', { value: 'nothing' });
else new EdgeIsr(stack, 'Isr', { origin: new HttpOrigin('origin.example.org') });
if (kind === 'bundling') bundle(stack);
const constructedMs = performance.now();
app.synth();
const endedMs = performance.now();
console.log(
  JSON.stringify({ constructMs: constructedMs - beganMs, synthMs: endedMs - constructedMs }),
);

/** Bundled as scripts/build.mjs bundles them, by the esbuild that is installed: without Docker. */
function bundle(scope: Stack): void {
  const nodejs: typeof import('aws-cdk-lib/aws-lambda-nodejs') = require('aws-cdk-lib/aws-lambda-nodejs');
  const folder = join(__dirname, '../../../lambda');
  for (const file of readdirSync(folder)) {
    new nodejs.NodejsFunction(scope, basename(file, '.ts'), {
      entry: join(folder, file),
      bundling: { minify: true, target: 'node20', externalModules: [] },
    });
  }
}
