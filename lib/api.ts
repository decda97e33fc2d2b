/**
 * The API, signed with IAM:
 *
 *     POST /revalidate   schema → SQS, with no function in between   202 {"job":…}
 *     GET  /jobs/{id}    → the jobs function                         200 {"state":…}
 *     GET  /jobs         → the jobs function                         200 {"jobs":[…]}
 *
 * A body whose Content-Type has no model slips past validation (APIG, api-gateway-method-request-validation): the
 * model stands for `$default` too, and what is not JSON has no template to pass through.
 * @module
 */
import { Aws, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { REVALIDATION_SCHEMA, REVALIDATION_TEMPLATE } from '../core/api';
import type { Jobs } from './jobs';
import { ApiAccount } from './private/api-account';
import { answerGatewayErrors, QUEUE_ANSWERS, REVALIDATE_STATUSES } from './private/api-answers';
import type { Settings } from './private/settings';
import { LOG_RETENTION } from './private/worker';
import type { QueuePair } from './queues';

const STAGE = 'v1';
/** Requests a second; what is over gets 429. One request names up to 1,000 tags. */
const RATE_MAX = 100;
const BURST_MAX = 200;

/** What `GET /jobs` takes: none of it has to be there, and the function checks their values (core/job-reader.ts). */
const JOBS_QUERY = {
  'method.request.querystring.state': false,
  'method.request.querystring.limit': false,
  'method.request.querystring.cursor': false,
};

export interface ApiParts {
  readonly revalidations: QueuePair;
  readonly jobs: Jobs;
}

export class Api extends Construct {
  readonly rest: apigateway.RestApi;
  readonly revalidate: apigateway.Method;
  readonly job: apigateway.Method;
  readonly jobs: apigateway.Method;

  constructor(scope: Construct, { revalidations, jobs }: ApiParts, settings: Settings) {
    super(scope, 'Api');
    this.rest = this.restApi(settings);
    this.revalidate = this.revalidateMethod(revalidations.queue);
    const integration = new apigateway.LambdaIntegration(jobs.function, { allowTestInvoke: false });
    const resource = this.rest.root.addResource('jobs');
    this.jobs = resource.addMethod('GET', integration, { requestParameters: JOBS_QUERY });
    this.job = resource.addResource('{id}').addMethod('GET', integration);
    answerGatewayErrors(this.rest);
    this.acknowledge();
  }

  private restApi({ name, apiLogRole = true }: Settings): apigateway.RestApi {
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: LOG_RETENTION,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const api = new apigateway.RestApi(this, 'Rest', {
      restApiName: name,
      description: 'edge-isr: POST /revalidate, GET /jobs, GET /jobs/{id}',
      endpointConfiguration: { types: [apigateway.EndpointType.REGIONAL] },
      cloudWatchRole: false,
      defaultMethodOptions: { authorizationType: apigateway.AuthorizationType.IAM },
      deployOptions: {
        stageName: STAGE,
        throttlingRateLimit: RATE_MAX,
        throttlingBurstLimit: BURST_MAX,
        loggingLevel: apigateway.MethodLoggingLevel.ERROR,
        accessLogDestination: new apigateway.LogGroupLogDestination(logGroup),
        accessLogFormat: apigateway.AccessLogFormat.custom(ACCESS_LOG),
      },
    });
    api.node.tryRemoveChild('Endpoint'); // ApiUrl says it
    if (apiLogRole) api.deploymentStage.node.addDependency(ApiAccount.of(this));
    return api;
  }

  private revalidateMethod(queue: sqs.IQueue): apigateway.Method {
    const role = new iam.Role(this, 'QueueRole', {
      assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
      description: 'edge-isr: POST /revalidate to SQS',
    });
    queue.grant(role, 'sqs:SendMessage');
    const integration = new apigateway.AwsIntegration({
      service: 'sqs',
      path: `${Aws.ACCOUNT_ID}/${queue.queueName}`,
      integrationHttpMethod: 'POST',
      options: {
        credentialsRole: role,
        passthroughBehavior: apigateway.PassthroughBehavior.NEVER,
        requestParameters: {
          'integration.request.header.Content-Type': "'application/x-www-form-urlencoded'",
        },
        requestTemplates: { 'application/json': REVALIDATION_TEMPLATE },
        integrationResponses: QUEUE_ANSWERS,
      },
    });
    const model = this.revalidationModel();
    return this.rest.root.addResource('revalidate').addMethod('POST', integration, {
      requestModels: { 'application/json': model, $default: model },
      requestValidator: this.rest.addRequestValidator('Validator', {
        validateRequestBody: true,
        validateRequestParameters: true,
      }),
      methodResponses: REVALIDATE_STATUSES.map((statusCode) => ({ statusCode })),
    });
  }

  /** The schema as it stands in core/api.ts: the local API validates by the same. */
  private revalidationModel(): apigateway.IModel {
    const model = new apigateway.CfnModel(this, 'Revalidation', {
      restApiId: this.rest.restApiId,
      name: REVALIDATION_SCHEMA.title,
      contentType: 'application/json',
      schema: REVALIDATION_SCHEMA,
    });
    // a deployment is a picture of the API: a changed schema needs a new one
    this.rest.latestDeployment?.addToLogicalId(REVALIDATION_SCHEMA);
    this.rest.latestDeployment?.node.addDependency(model);
    return { modelId: model.ref };
  }

  private acknowledge(): void {
    Validations.of(this.rest).acknowledge(
      {
        id: 'AwsSolutions-APIG3',
        reason: 'Every request is signed with IAM and throttled; a web ACL is the owner’s to add.',
      },
      {
        id: 'AwsSolutions-COG4',
        reason:
          'Callers are servers and functions, which have IAM roles; there are no users to log in.',
      },
    );
  }
}

const ACCESS_LOG = JSON.stringify({
  requestId: '$context.requestId', // the job's id
  time: '$context.requestTime',
  caller: '$context.identity.userArn',
  ip: '$context.identity.sourceIp',
  method: '$context.httpMethod',
  path: '$context.path',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  integrationStatus: '$context.integration.status',
  error: '$context.error.message',
});
