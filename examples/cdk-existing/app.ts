import { App, Stack } from 'aws-cdk-lib';
import { AllowedMethods, CachePolicy, Distribution } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { EdgeIsr } from 'edge-isr';

const app = new App();
const stack = new Stack(app, 'Site', { env: { region: 'eu-west-1' } }); // where your server is
const origin = new HttpOrigin('origin.example.org');

// the distribution as your team has it
const distribution = new Distribution(stack, 'Theirs', {
  comment: 'the shop',
  defaultBehavior: {
    origin,
    allowedMethods: AllowedMethods.ALLOW_ALL,
    cachePolicy: CachePolicy.CACHING_DISABLED,
  },
});

// edge-isr looks after some of its paths; the others stay as they are
const isr = new EdgeIsr(stack, 'Isr', { origin, ownDistribution: false });
isr.addTo(distribution, '/posts/*');
isr.addTo(distribution, '/categories/*');
