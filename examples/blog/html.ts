/**
 * HTML by template literal: what is filled in is escaped, unless it is HTML already.
 *
 *     html`<h1>${post.title}</h1> ${tags.map((tag) => html`<li>${tag}</li>`)}`
 *
 * Every attribute has quotes, so escaping five characters is enough for text and attributes alike.
 * @module
 */

export class Html {
  constructor(readonly text: string) {}
}

type Filling = string | number | Html | undefined | readonly Html[];

export function html(parts: TemplateStringsArray, ...fillings: readonly Filling[]): Html {
  return new Html(
    parts.map((part, i) => part + (i < fillings.length ? textOf(fillings[i]) : '')).join(''),
  );
}

function textOf(filling: Filling): string {
  if (filling === undefined) return '';
  if (filling instanceof Html) return filling.text;
  if (typeof filling === 'object') return filling.map(({ text }) => text).join('\n');
  return String(filling).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
