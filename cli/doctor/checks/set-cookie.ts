import { type Check, fail, ok } from '../check';
import { shown } from '../seen';

export const setCookie: Check = {
  name: 'set-cookie',
  of: 'server',
  look({ fields }) {
    const [cookie] = fields['set-cookie'] ?? [];
    if (cookie === undefined) return ok('it sets no cookie');
    const [name] = cookie.split('=');
    return fail(
      `Set-Cookie: ${shown(name ?? '')}=…: it is one viewer’s page, and never kept`,
      'begin no session on pages that are everybody’s; what needs one goes under bypassPaths',
    );
  },
};
