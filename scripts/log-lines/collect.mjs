// @ts-check
/**
 * Finds every line that lib/ can log, by its source: calls of a logger's methods,
 * and notices of the form `{ level, text }`. What is put in at run time is shown
 * as a name between angle brackets.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { inProject } from '../support/project.mjs';

/** @typedef {{ level: string, text: string, file: string }} LogLine */

const LEVELS = ['log', 'warn', 'error', 'debug', 'verbose', 'fatal'];
/** Alternatives of one call; more than these make a table unreadable. */
const MOST_TEXTS = 12;

/**
 * @param {string} [directory]
 * @returns {LogLine[]} each line once, in the order of their texts
 */
export function collectLogLines(directory = inProject('lib')) {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    // The command line writes for the person in front of it, and logs nothing.
    .filter((name) => !name.startsWith('cli/') && !name.startsWith('testing/'))
    .map((name) =>
      ts.createSourceFile(
        name,
        readFileSync(join(directory, name), 'utf8'),
        ts.ScriptTarget.Latest,
        true,
      ),
    );
  const collector = new Collector(files);
  const lines = files.flatMap((file) => collector.linesOf(file));
  const unique = new Map(
    lines.map((line) => [`${line.level} ${line.text}`, line]),
  );
  return [...unique.values()].toSorted((a, b) => (a.text < b.text ? -1 : 1));
}

class Collector {
  /** By their names. @type {Map<string, ts.SignatureDeclaration[]>} */
  #functions = new Map();
  /** @type {Map<string, ts.Expression>} */
  #constants = new Map();
  #files;

  /** @param {ts.SourceFile[]} files */
  constructor(files) {
    this.#files = files;
    for (const file of files) {
      walk(file, (node) => {
        if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) {
          const name = node.name?.getText() ?? '';
          this.#functions.set(name, [
            ...(this.#functions.get(name) ?? []),
            node,
          ]);
        } else if (
          ts.isVariableDeclaration(node) &&
          node.initializer &&
          !ts.isObjectLiteralExpression(node.initializer) &&
          ts.isSourceFile(node.parent.parent.parent)
        ) {
          this.#constants.set(node.name.getText(), node.initializer);
        }
      });
    }
  }

  /**
   * @param {ts.SourceFile} file
   * @returns {LogLine[]}
   */
  linesOf(file) {
    /** @type {LogLine[]} */
    const lines = [];
    walk(file, (node) => {
      if (!ts.isCallExpression(node)) return;
      const sink = sinkOf(node);
      if (!sink) return;
      for (const { level, text } of this.#resolve(sink.level, sink.text, 0)) {
        lines.push({ level, text, file: file.fileName });
      }
    });
    return lines;
  }

  /**
   * What a call logs. Where that is a parameter of the function around it, what
   * its callers hand over.
   *
   * @param {ts.Expression | string} level
   * @param {ts.Expression} text
   * @param {number} depth
   * @returns {{ level: string, text: string }[]}
   */
  #resolve(level, text, depth) {
    const levelParameter =
      typeof level === 'string' ? undefined : parameterOf(level);
    const textParameter = parameterOf(text);
    const parameter = textParameter ?? levelParameter;
    if (parameter && depth < 4) {
      return this.#callsOf(parameter.owner).flatMap((call) => {
        /** @param {ReturnType<typeof parameterOf>} each */
        const given = (each) => each && call.arguments[each.index];
        const nextLevel = levelParameter ? given(levelParameter) : level;
        const nextText = textParameter ? given(textParameter) : text;
        return nextLevel && nextText
          ? this.#resolve(nextLevel, nextText, depth + 1)
          : [];
      });
    }
    const levels = typeof level === 'string' ? [level] : this.#texts(level, 0);
    return levels.flatMap((each) =>
      this.#texts(text, 0)
        .filter((line) => /[a-z]{3}/i.test(line.replaceAll(/<[^>]*>/g, '')))
        .map((line) => ({ level: each, text: line })),
    );
  }

  /** @param {ts.SignatureDeclaration} owner */
  #callsOf(owner) {
    const name = owner.name?.getText();
    const isPrivate = name?.startsWith('#');
    /** @type {ts.CallExpression[]} */
    const calls = [];
    const files = isPrivate ? [owner.getSourceFile()] : this.#files;
    for (const file of files) {
      walk(file, (node) => {
        if (
          ts.isCallExpression(node) &&
          calledName(node) === name &&
          !sinkOf(node)
        ) {
          calls.push(node);
        }
      });
    }
    return calls;
  }

  /**
   * The texts that an expression may have.
   *
   * @param {ts.Expression} expression
   * @param {number} depth
   * @returns {string[]}
   */
  #texts(expression, depth) {
    if (depth > 8) {
      return [placeholder(expression)];
    }
    /** @param {ts.Expression} each */
    const inner = (each) => this.#texts(each, depth + 1);
    if (ts.isStringLiteralLike(expression)) {
      return [expression.text];
    }
    if (
      ts.isParenthesizedExpression(expression) ||
      ts.isAsExpression(expression) ||
      ts.isNonNullExpression(expression)
    ) {
      return inner(expression.expression);
    }
    if (ts.isTemplateExpression(expression)) {
      return expression.templateSpans.reduce(
        (texts, span) =>
          combined(
            texts,
            this.#partsOf(span.expression, depth),
            span.literal.text,
          ),
        [expression.head.text],
      );
    }
    if (ts.isBinaryExpression(expression)) {
      const operator = expression.operatorToken.kind;
      if (operator === ts.SyntaxKind.PlusToken) {
        return combined(inner(expression.left), inner(expression.right));
      }
      if (operator === ts.SyntaxKind.AmpersandAmpersandToken) {
        return ['', ...inner(expression.right)];
      }
      return [...inner(expression.left), ...inner(expression.right)];
    }
    if (ts.isConditionalExpression(expression)) {
      return [
        ...new Set([
          ...inner(expression.whenTrue),
          ...inner(expression.whenFalse),
        ]),
      ];
    }
    if (ts.isCallExpression(expression)) {
      return this.#returned(expression, depth) ?? [placeholder(expression)];
    }
    if (ts.isIdentifier(expression)) {
      const known = localOf(expression) ?? this.#constants.get(expression.text);
      return known ? inner(known) : [placeholder(expression)];
    }
    return [placeholder(expression)];
  }

  /**
   * Parts of a sentence: texts only where there are words in all of them.
   *
   * @param {ts.Expression} expression
   * @param {number} depth
   */
  #partsOf(expression, depth) {
    const texts = this.#texts(expression, depth + 1);
    const haveWords = texts.every(
      (text) =>
        text === '' || /[a-z]{2}/i.test(text.replaceAll(/<[^>]*>/g, '')),
    );
    const isReadable = haveWords ? texts.length <= 4 : texts.length === 1;
    return isReadable ? texts : [placeholder(expression)];
  }

  /**
   * What a function of the library returns, if it is a text with words.
   *
   * @param {ts.CallExpression} call
   * @param {number} depth
   * @returns {string[] | undefined}
   */
  #returned(call, depth) {
    const found = this.#functions.get(calledName(call)) ?? [];
    if (found.length !== 1) return undefined;
    const [declaration] = found;
    /** @type {string[]} */
    const texts = [];
    walk(/** @type {ts.Node} */ (declaration), (node) => {
      if (
        ts.isReturnStatement(node) &&
        node.expression &&
        enclosing(node) === declaration
      ) {
        texts.push(...this.#texts(node.expression, depth + 1));
      }
    });
    const haveWords = texts.some((text) =>
      /[a-z]{2,} [a-z]{2}/i.test(text.replaceAll(/<[^>]*>/g, '')),
    );
    return haveWords && texts.length <= MOST_TEXTS ? texts : undefined;
  }
}

/**
 * Whether a call logs something: `logger.warn(text)`, `logger[level](text)`,
 * `tell({ level, text })`.
 *
 * @param {ts.CallExpression} call
 * @returns {{ level: ts.Expression | string, text: ts.Expression } | undefined}
 */
function sinkOf(call) {
  const [first] = call.arguments;
  const { expression } = call;
  if (!first) return undefined;
  if (
    ts.isPropertyAccessExpression(expression) &&
    LEVELS.includes(expression.name.text) &&
    /(logger|#log|\blog)$/i.test(expression.expression.getText())
  ) {
    return { level: expression.name.text, text: first };
  }
  if (
    ts.isElementAccessExpression(expression) &&
    /(logger|#log|\blog)$/i.test(expression.expression.getText())
  ) {
    return { level: expression.argumentExpression, text: first };
  }
  if (ts.isObjectLiteralExpression(first)) {
    const level = memberOf(first, 'level');
    const text = memberOf(first, 'text');
    return level && text ? { level, text } : undefined;
  }
  return undefined;
}

/**
 * @param {ts.ObjectLiteralExpression} object
 * @param {string} name
 */
function memberOf(object, name) {
  for (const property of object.properties) {
    if (ts.isPropertyAssignment(property) && property.name.getText() === name) {
      return property.initializer;
    }
    if (
      ts.isShorthandPropertyAssignment(property) &&
      property.name.text === name
    ) {
      return property.name;
    }
  }
  return undefined;
}

/**
 * The parameter that an expression is, with the function that has it.
 *
 * @param {ts.Expression} expression
 */
function parameterOf(expression) {
  if (!ts.isIdentifier(expression)) return undefined;
  const owner = enclosing(expression);
  const index = owner?.parameters.findIndex(
    (each) => each.name.getText() === expression.text,
  );
  return owner?.name && index !== undefined && index >= 0
    ? { owner, index }
    : undefined;
}

/**
 * The value of a constant of the function around.
 *
 * @param {ts.Identifier} identifier
 * @returns {ts.Expression | undefined}
 */
function localOf(identifier) {
  /** @type {ts.Expression | undefined} */
  let found;
  const owner = enclosing(identifier);
  if (owner) {
    walk(owner, (node) => {
      if (
        ts.isVariableDeclaration(node) &&
        node.name.getText() === identifier.text &&
        node.initializer !== undefined &&
        node.pos < identifier.pos
      ) {
        found = node.initializer;
      }
    });
  }
  return found;
}

/**
 * @param {ts.Node} node
 * @returns {ts.SignatureDeclaration | undefined}
 */
function enclosing(node) {
  let parent = node.parent;
  while (
    parent &&
    !(ts.isFunctionDeclaration(parent) || ts.isMethodDeclaration(parent))
  ) {
    parent = parent.parent;
  }
  return parent;
}

/** @param {ts.CallExpression} call */
function calledName({ expression }) {
  return ts.isPropertyAccessExpression(expression)
    ? expression.name.text
    : expression.getText();
}

/**
 * What stands where the program puts something in.
 *
 * @param {ts.Expression} expression
 * @returns {string}
 */
function placeholder(expression) {
  if (ts.isCallExpression(expression)) {
    const [first] = expression.arguments;
    if (
      /^(messageOf|String|printable|Math\.\w+|shown)$/.test(
        expression.expression.getText(),
      ) &&
      first
    ) {
      return placeholder(first);
    }
    if (
      calledName(expression) === 'toISOString' &&
      ts.isPropertyAccessExpression(expression.expression)
    ) {
      return placeholder(expression.expression.expression);
    }
    return `<${words(calledName(expression))}>`;
  }
  if (ts.isPropertyAccessExpression(expression)) {
    return expression.name.text === 'length'
      ? '<number>'
      : `<${words(expression.name.text)}>`;
  }
  if (ts.isConditionalExpression(expression))
    return placeholder(expression.whenTrue);
  if (ts.isStringLiteralLike(expression)) return expression.text;
  return ts.isIdentifier(expression) ? `<${words(expression.text)}>` : '<…>';
}

/** @param {string} name */
function words(name) {
  return name
    .replace(/^#/, '')
    .replace(/(?:Ms|Id)$/, (end) => (end === 'Ms' ? ' in ms' : ' id'))
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
    .toLowerCase();
}

/**
 * @param {string[]} before
 * @param {string[]} middle
 * @param {string} [after]
 */
function combined(before, middle, after = '') {
  const all = before.flatMap((a) => middle.map((b) => a + b + after));
  return [...new Set(all)].slice(0, MOST_TEXTS);
}

/**
 * @param {ts.Node} node
 * @param {(node: ts.Node) => void} visit
 */
function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}
