import { field } from '../../../core/headers';
import { type Check, fail } from '../check';

export const edgeError: Check = {
  name: 'edge-error',
  of: 'edge',
  look({ first }) {
    const said = field(first.fields, 'x-cache') ?? '';
    if (/^Lambda/i.test(said)) {
      return fail(
        `${said}: the recorder failed, and viewers get a ${first.status}`,
        'docs/runbook.md, RecorderErrors',
      );
    }
    if (first.status < 500) return undefined;
    return fail(
      `viewers get a ${first.status}${said ? ` (${said})` : ''}`,
      'isr doctor with --origin shows what your server itself answers',
    );
  },
};
