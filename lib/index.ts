/**
 * edge-isr for the AWS CDK.
 * @module
 */
export { EdgeIsr, type EdgeIsrProps } from './edge-isr';
export { type PurgeBudget, PurgeBy, WhenExceeded } from './purge';
