// @ts-check
/**
 * The TypeScript code blocks of a Markdown text, in order.
 *
 * @param {string} markdown
 * @returns {string[]}
 */
export function extractCode(markdown) {
  return [...markdown.matchAll(/^```ts\n(.*?)^```$/gms)].map(
    ([, code]) => code ?? '',
  );
}
