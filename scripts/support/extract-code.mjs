// @ts-check
/**
 * The code blocks of a Markdown text in a language, in order; by default those
 * in TypeScript.
 *
 * @param {string} markdown
 * @param {'ts' | 'sql'} [language]
 * @returns {string[]}
 */
export function extractCode(markdown, language = 'ts') {
  const block = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');
  return [...markdown.matchAll(block)].map(([, code]) => code ?? '');
}
