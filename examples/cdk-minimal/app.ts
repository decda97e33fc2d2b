import { App, Stack } from 'aws-cdk-lib';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { EdgeIsr } from 'edge-isr';

const app = new App();
const stack = new Stack(app, 'Site', { env: { region: 'eu-west-1' } }); // where your server is
new EdgeIsr(stack, 'Isr', { origin: new HttpOrigin('origin.example.org') });
