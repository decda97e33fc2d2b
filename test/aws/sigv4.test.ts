import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { credentialsFrom, sign } from '../../aws/sigv4';

describe('a signature', () => {
  it("is the SDK's own, for any method, path, query, headers, body and credentials", async () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 });
    const text = fc
      .string({ minLength: 1 })
      .map((it) => it.replace(/\s/g, '_'))
      .filter((it) => it !== '__proto__'); // the SDK keeps a query in an object
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          method: fc.constantFrom('GET', 'POST', 'PUT'),
          path: fc.array(segment, { maxLength: 3 }),
          query: fc.dictionary(text, fc.string(), { noNullPrototype: true }),
          header: text,
          body: fc.string({ unit: 'grapheme' }),
          token: fc.option(text, { nil: undefined }),
          nowMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
        }),
        async ({ method, path, query, header, body, token, nowMs }) => {
          const url = new URL(`https://example.org/${path.map(encodeURIComponent).join('/')}`);
          for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
          const credentials = {
            accessKeyId: 'AKIDEXAMPLE',
            secretAccessKey: 'secret',
            ...(token === undefined ? {} : { sessionToken: token }),
          };
          const scope = { region: 'eu-west-1', service: 'execute-api' };
          const headers = { 'content-type': 'application/json', 'x-some': header };

          const ours = sign({ method, url, headers, body }, credentials, { ...scope, nowMs });

          const signer = new SignatureV4({
            ...scope,
            credentials,
            sha256: Sha256,
            applyChecksum: false,
          });
          const theirs = await signer.sign(
            {
              method,
              protocol: 'https:',
              hostname: url.hostname,
              path: url.pathname,
              query: Object.fromEntries(url.searchParams),
              headers: { ...headers, host: url.host },
              body,
            },
            { signingDate: new Date(nowMs) },
          );
          expect(ours.authorization).toBe(theirs.headers.authorization);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes the credentials that Lambda gives a function', () => {
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' };
    expect(credentialsFrom(env)).toEqual({
      accessKeyId: 'a',
      secretAccessKey: 'b',
      sessionToken: 'c',
    });
  });
});
