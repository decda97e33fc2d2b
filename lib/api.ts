/**
 * The API, signed with IAM or opened by a bearer token (api-options.ts):
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
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { REVALIDATION_SCHEMA, REVALIDATION_TEMPLATE } from '../core/api';
import { IsrError } from '../core/errors';
import { addDomain } from './api-domain';
import { Authorizer, grantToken } from './authorizer';
import type { Jobs } from './jobs';
import { ApiAccount } from './private/api-account';
import { answerGatewayErrors, QUEUE_ANSWERS, REVALIDATE_STATUSES } from './private/api-answers';
import { throttleOf } from './private/checks/api';
import type { Settings } from './private/settings';
import type { QueuePair } from './queues';

const STAGE = 'v1';

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
  /** Where it is, with a slash at its end. */
  readonly url: string;

  /** Of the bearer token; none with IAM. */
  private readonly secret: secretsmanager.ISecret | undefined;

  constructor(scope: Construct, { revalidations, jobs }: ApiParts, settings: Settings) {
    super(scope, 'Api');
    const { auth, domain } = settings.api ?? {};
    this.secret = auth?.secret;
    this.rest = this.restApi(settings);
    this.revalidate = this.revalidateMethod(revalidations.queue);
    const integration = new apigateway.LambdaIntegration(jobs.function, { allowTestInvoke: false });
    const resource = this.rest.root.addResource('jobs');
    this.jobs = resource.addMethod('GET', integration, { requestParameters: JOBS_QUERY });
    this.job = resource.addResource('{id}').addMethod('GET', integration);
    answerGatewayErrors(this.rest, this.secret !== undefined);
    this.url = domain ? addDomain(this, this.rest, domain) : this.rest.url;
    this.acknowledge();
  }

  grantRevalidate(grantee: iam.IGrantable): iam.Grant {
    if (this.secret) return grantToken(this.secret, grantee, ['AWSCURRENT']);
    return this.revalidate.grantExecute(grantee);
  }

  /** @throws IsrError `option-invalid` where the only right to give is more than that */
  grantReadJobs(grantee: iam.IGrantable): iam.Grant {
    if (this.secret) {
      throw new IsrError(
        'option-invalid',
        'EdgeIsr: grantReadJobs cannot be less than grantRevalidate with ApiAuth.bearer: its one token opens all of the API, use grantRevalidate or ApiAuth.iam()',
        'api.auth',
      );
    }
    return this.job.grantExecute(grantee).combine(this.jobs.grantExecute(grantee));
  }

  private restApi({
    name,
    api: options,
    apiLogRole = true,
    logRetention,
  }: Settings): apigateway.RestApi {
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const api = new apigateway.RestApi(this, 'Rest', {
      restApiName: name,
      description: 'edge-isr: POST /revalidate, GET /jobs, GET /jobs/{id}',
      endpointConfiguration: { types: [apigateway.EndpointType.REGIONAL] },
      cloudWatchRole: false,
      defaultMethodOptions: this.authorization(logRetention),
      deployOptions: {
        stageName: STAGE,
        ...throttleOf(options?.throttle),
        loggingLevel: apigateway.MethodLoggingLevel.ERROR,
        accessLogDestination: new apigateway.LogGroupLogDestination(logGroup),
        accessLogFormat: apigateway.AccessLogFormat.custom(ACCESS_LOG),
      },
    });
    api.node.tryRemoveChild('Endpoint'); // ApiUrl says it
    if (apiLogRole) api.deploymentStage.node.addDependency(ApiAccount.of(this));
    return api;
  }

  private authorization(logRetention: logs.RetentionDays): apigateway.MethodOptions {
    const { AuthorizationType } = apigateway;
    if (!this.secret) return { authorizationType: AuthorizationType.IAM };
    const { authorizer } = new Authorizer(this, this.secret, logRetention);
    return { authorizationType: AuthorizationType.CUSTOM, authorizer };
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
        reason: `Every request is ${this.secret ? 'authorized by its token' : 'signed with IAM'} and throttled; a web ACL is the owner’s to add.`,
      },
      {
        id: 'AwsSolutions-COG4',
        reason: `Callers are servers and functions, which have ${this.secret ? 'a token' : 'IAM roles'}; there are no users to log in.`,
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
