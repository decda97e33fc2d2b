import { describe, expect, it } from 'vitest';
import { type SecretVersions, TOKEN_TIMES_MS, Tokens } from '../../core/tokens';

const OLD = 'old-token-0123456789';
const NEW = 'new-token-0123456789';
const DAY_MS = 86_400_000;

/** A secret that can be rotated or be out of reach, and a clock that can be put forward. */
function stage(first: SecretVersions | Error = { current: OLD, createdAtMs: 0 }) {
  const at = { nowMs: 1_000_000, secret: first, reads: 0, reported: [] as unknown[] };
  const tokens = new Tokens({
    read: async () => {
      at.reads += 1;
      if (at.secret instanceof Error) throw at.secret;
      return at.secret;
    },
    clock: { now: () => at.nowMs },
    report: (thrown) => at.reported.push(thrown),
  });
  return { at, accept: (token: string) => tokens.accept(`Bearer ${token}`), tokens };
}

describe('a bearer token', () => {
  it('is taken when it is the secret’s, which is read once for many', async () => {
    const { at, accept } = stage();
    for (let i = 0; i < 5; i++) expect(await accept(OLD)).toBe(true);
    expect(at.reads).toBe(1);
  });

  it.each([
    '',
    OLD,
    `Basic ${OLD}`,
    'Bearer',
    'Bearer ',
    `Bearer ${OLD} `,
    `Bearer ${OLD}x`,
    `Bearer ${OLD.slice(1)}`,
    `Bearer ${OLD.toUpperCase()}`,
    `Bearer a b`,
  ])('is refused as "%s"', async (header) => {
    expect(await stage().tokens.accept(header)).toBe(false);
  });

  it('may spell its scheme as it likes', async () => {
    expect(await stage().tokens.accept(`bEARER  ${OLD}`)).toBe(true);
  });
});

describe('a secret that is rotated', () => {
  const rotated = (nowMs: number) => ({ current: NEW, createdAtMs: nowMs, previous: OLD });

  it('has its new token taken ten seconds later at the latest, and the old one for a day', async () => {
    const { at, accept } = stage();
    await accept(OLD);
    at.nowMs += TOKEN_TIMES_MS.unknown;
    at.secret = rotated(at.nowMs);
    expect([await accept(NEW), await accept(OLD)]).toEqual([true, true]);
    at.nowMs += DAY_MS - 1;
    expect([await accept(NEW), await accept(OLD)]).toEqual([true, true]);
    at.nowMs += 1;
    expect([await accept(NEW), await accept(OLD)]).toEqual([true, false]);
  });

  it('twice, refuses the first token within five minutes', async () => {
    const { at, accept } = stage();
    await accept(OLD);
    at.secret = { current: NEW, createdAtMs: at.nowMs, previous: 'between-0123456789' };
    at.nowMs += TOKEN_TIMES_MS.refresh;
    expect(await accept(OLD)).toBe(false);
  });

  it('is not read again for each guess', async () => {
    const { at, accept } = stage();
    for (let i = 0; i < 100; i++) await accept(`guess-number-${i}-0123456789`);
    expect(at.reads).toBe(1);
    at.nowMs += TOKEN_TIMES_MS.unknown;
    for (let i = 0; i < 100; i++) await accept(`guess-number-${i}-0123456789`);
    expect(at.reads).toBe(2);
  });
});

describe('a secret that cannot be read', () => {
  const gone = new Error('Secrets Manager, GetSecretValue: HTTP 500');

  it('at first is a failure, not a refusal, and is asked for again', async () => {
    const { at, accept } = stage(gone);
    await expect(accept(OLD)).rejects.toThrow(gone);
    at.secret = { current: OLD, createdAtMs: 0 };
    expect(await accept(OLD)).toBe(true);
  });

  it('later leaves the API open to who has the last token, for a quarter of an hour', async () => {
    const { at, accept } = stage();
    await accept(OLD);
    at.secret = gone;
    at.nowMs += TOKEN_TIMES_MS.keep;
    expect(await accept(OLD)).toBe(true);
    expect(at.reported).toEqual([gone]);
    at.nowMs += 1;
    expect(await accept(OLD)).toBe(false);
  });

  it.each([
    '',
    'short',
    'has white space in it',
    `{"token":"${OLD}"}`,
    'x'.repeat(1_025),
    'ä'.repeat(20),
  ])('as a token ("%s") says so, without telling it', async (current) => {
    const { accept } = stage({ current, createdAtMs: 0 });
    await expect(accept('anything-0123456789')).rejects.toThrow(
      'the secret is no token: it takes 16 to 1024 visible ASCII characters, and no JSON around them',
    );
  });
});
