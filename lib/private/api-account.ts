/**
 * The role with which API Gateway writes logs: one setting for a whole account and region, so one for a stack.
 *
 * It stays when the stack is deleted: other APIs of the account may write their logs with it by then.
 * @module
 */
import { RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigateway';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

const ID = 'EdgeIsrApiAccount';

export class ApiAccount extends Construct {
  /** The stack's one. */
  static of(scope: Construct): ApiAccount {
    const stack = Stack.of(scope);
    return (stack.node.tryFindChild(ID) as ApiAccount | undefined) ?? new ApiAccount(stack);
  }

  private constructor(stack: Stack) {
    super(stack, ID);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [
        iam.ManagedPolicy.fromAwsManagedPolicyName(
          'service-role/AmazonAPIGatewayPushToCloudWatchLogs',
        ),
      ],
    });
    const account = new apigateway.CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason:
        'API Gateway names the log groups of every API in the account; AWS keeps the policy for it.',
    });
  }
}
