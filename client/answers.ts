/**
 * What the API answers, read: a job, or an error that says what was wrong with which field.
 *
 *     202 {"job":"c6af9ac6-…"}
 *     200 {"id":"c6af9ac6-…","state":"fresh",…}
 *     200 {"jobs":[…],"looked":20,"cursor":"MTc2…"}
 *     400 {"error":{"code":"tag-invalid","message":"tags[0] is …","field":"tags[0]"}}
 *     401 {"error":{"code":"unauthenticated",…}}               no bearer token, where the API takes one
 *     403 {"message":"Forbidden"}                              API Gateway itself: not signed, or not allowed
 * @module
 */
import { ERRORS, type ErrorCode, IsrError } from '../core/errors';
import type { JobPage } from '../core/job-reader';
import type { Job } from '../core/jobs';
import type { Answer } from './transport';

/** The id of the job that the answer has for a revalidation. */
export function readTaken(answer: Answer): string {
  const { status, body } = answer;
  if (isGood(status) && isRecord(body) && typeof body.job === 'string') return body.job;
  throw errorOf(answer);
}

export function readJob(answer: Answer): Job {
  const { status, body } = answer;
  if (isGood(status) && isJob(body)) return body;
  throw errorOf(answer);
}

export function readJobPage(answer: Answer): JobPage {
  const { status, body } = answer;
  if (isGood(status) && isJobPage(body)) return body;
  throw errorOf(answer);
}

function isJobPage(body: unknown): body is JobPage {
  return isRecord(body) && Array.isArray(body.jobs) && body.jobs.every(isJob);
}

function isGood(status: number): boolean {
  return status >= 200 && status < 300;
}

function isJob(body: unknown): body is Job {
  return isRecord(body) && typeof body.id === 'string' && typeof body.state === 'string';
}

/** The error that an answer without a job stands for. */
function errorOf({ status, body, url }: Answer): IsrError {
  const { code, message, field } = isRecord(body) && isRecord(body.error) ? body.error : {};
  const isRefused = status === 401 || status === 403;
  if (isRefused) return refusalOf({ status, body, url });
  if (isErrorCode(code) && typeof message === 'string') {
    return new IsrError(code, message, typeof field === 'string' ? field : undefined);
  }
  const said = isRecord(body) && typeof body.message === 'string' ? ` (${body.message})` : '';
  return new IsrError(
    'endpoint-unreachable',
    `${url} answered ${status}${said}, which is no job: is it the revalidate API, and are you allowed to use it?`,
    'endpoint',
  );
}

/** Whoever is not let in reads what to do about it, whatever stood in the way said so. */
function refusalOf({ status, body, url }: Answer): IsrError {
  const code = status === 401 ? 'unauthenticated' : 'denied';
  const error = isRecord(body) && isRecord(body.error) ? body.error : body;
  const said = isRecord(error) && typeof error.message === 'string' ? ` (${error.message})` : '';
  return new IsrError(code, `${url} answered ${status}${said}. ${ERRORS[code].advice}`);
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
