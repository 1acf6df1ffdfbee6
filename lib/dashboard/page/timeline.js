/** Of which the chart shows one. */
const SPANS = [
  { name: '5 min', ms: 300_000 },
  { name: '15 min', ms: 900_000 },
  { name: '1 h', ms: 3_600_000 },
  { name: '6 h', ms: 21_600_000 },
  { name: '24 h', ms: 86_400_000 },
];
let spanMs = 300_000;
let isSpanChosen = false;

/** Distances between the marks of the axis. They put the marks at round times. */
const STEPS_MS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360].map(
  (minutes) => minutes * 60_000,
);
/** As many pixels as a mark's text, and a character of a bar's, need at most. */
const MARK_WIDTH = 84;
const CHARACTER_WIDTH = 8;
/** A name of which less than this fits tells nothing. */
const SHORTEST_LABEL = 6;

const ROW = 30;
const AXIS = 24;
const BAR = 18;

/** @param {() => void} onChange */
function buildSpanChoice(onChange) {
  append(
    byId('span'),
    SPANS.map(({ name, ms }) => {
      const input = element('input', {
        type: 'radio',
        name: 'span',
        checked: ms === spanMs,
      });
      input.addEventListener('change', () => {
        spanMs = ms;
        isSpanChosen = true;
        onChange();
      });
      return element('label', {}, input, name);
    }),
  );
}

/**
 * Until somebody chooses, the chart shows all that is known, as far as it can.
 *
 * @param {Election[]} elections
 */
function suggestSpan(elections) {
  if (isSpanChosen) {
    return;
  }
  const firstMs = Math.min(
    ...elections.flatMap(({ terms }) =>
      terms.slice(0, 1).map(({ since }) => Date.parse(since)),
    ),
  );
  const fitting = SPANS.findIndex(({ ms }) => shownMs() - firstMs <= ms);
  const index =
    Number.isFinite(firstMs) && fitting < 0
      ? SPANS.length - 1
      : Math.max(0, fitting);
  spanMs = SPANS[index]?.ms ?? spanMs;
  const input = byId('span').querySelectorAll('input')[index];
  if (input) {
    input.checked = true;
  }
}

/**
 * The terms of every election as bars over time.
 *
 * @param {Election[]} elections
 * @param {number} historySinceMs before which this instance knows nothing
 * @param {number} untilMs up to when what is shown is true
 */
function timelineChart(elections, historySinceMs, untilMs) {
  const width = Math.max(280, byId('timeline').clientWidth);
  const isNarrow = width < 560;
  const left = isNarrow ? 8 : 140;
  const right = width - 8;
  const rowHeight = isNarrow ? ROW + 16 : ROW;
  const height = elections.length * rowHeight + AXIS + 6;
  const sinceMs = untilMs - spanMs;
  /** @param {number} ms */
  const x = (ms) => {
    const share = (Math.min(Math.max(ms, sinceMs), untilMs) - sinceMs) / spanMs;
    return left + share * (right - left);
  };
  const svg = shape('svg', {
    viewBox: `0 0 ${width} ${height}`,
    height,
    role: 'img',
    'aria-label': `Terms of ${elections.length} elections during the last ${spanText(spanMs)}; the table below has the same`,
  });
  svg.append(
    shape(
      'pattern',
      {
        id: 'unknown',
        width: 6,
        height: 6,
        patternUnits: 'userSpaceOnUse',
        patternTransform: 'rotate(45)',
      },
      shape('line', {
        class: 'unknown-line',
        x1: 0,
        y1: 0,
        x2: 0,
        y2: 6,
        'stroke-width': 2,
      }),
    ),
  );
  for (const ms of [...roundTimes(sinceMs, untilMs, right - left), untilMs]) {
    const isNow = ms === untilMs;
    svg.append(
      shape('line', {
        class: 'grid',
        x1: x(ms),
        x2: x(ms),
        y1: 4,
        y2: height - AXIS,
      }),
      shape(
        'text',
        {
          class: 'axis',
          x: x(ms),
          y: height - 8,
          'text-anchor': isNow ? 'end' : 'middle',
        },
        isNow ? (isStale() ? clockText(ms) : 'now') : shortClock(ms),
      ),
    );
  }
  elections.forEach((election, index) => {
    const top = 6 + index * rowHeight + (isNarrow ? 16 : 0);
    svg.append(
      shape(
        'text',
        { x: 8, y: isNarrow ? top - 3 : top + 13 },
        clipped(election.election, isNarrow ? 40 : 19),
      ),
      shape('rect', {
        class: 'track',
        x: left,
        y: top,
        width: right - left,
        height: BAR,
        rx: 2,
      }),
    );
    if (historySinceMs > sinceMs) {
      svg.append(
        shape(
          'rect',
          {
            class: 'before',
            x: left,
            y: top,
            width: x(historySinceMs) - left,
            height: BAR,
          },
          shape('title', {}, 'Before this instance was started: unknown'),
        ),
      );
    }
    for (const term of election.terms) {
      svg.append(...termBar(term, x, top, sinceMs, untilMs));
    }
  });
  return svg;
}

/**
 * @param {Term} term
 * @param {(ms: number) => number} x
 * @param {number} top
 * @param {number} sinceMs
 * @param {number} untilMs
 */
function termBar(
  { instanceId, fencingToken, since, until },
  x,
  top,
  sinceMs,
  untilMs,
) {
  const fromMs = Date.parse(since);
  const toMs = until === undefined ? untilMs : Date.parse(until);
  if (toMs < sinceMs || fromMs > untilMs) {
    return [];
  }
  const width = Math.max(2, x(toMs) - x(fromMs) - 1);
  const bar = shape(
    'rect',
    { x: x(fromMs), y: top, width, height: BAR, rx: 2 },
    shape(
      'title',
      {},
      `${instanceId}: ${clockText(since)} to ${until ? clockText(until) : isStale() ? 'unknown' : 'now'}, fencing token ${fencingToken}`,
    ),
  );
  bar.classList.add('bar');
  colour(bar, instanceId);
  const fits = Math.floor((width - 12) / CHARACTER_WIDTH);
  return fits < Math.min(SHORTEST_LABEL, shortName(instanceId).length)
    ? [bar]
    : [
        bar,
        shape(
          'text',
          { class: 'label', x: x(fromMs) + 6, y: top + 13 },
          clipped(shortName(instanceId), fits),
        ),
      ];
}

/**
 * The times that the axis names, by the reader's clock. None is too close to
 * either end.
 *
 * @param {number} sinceMs
 * @param {number} untilMs
 * @param {number} width
 */
function roundTimes(sinceMs, untilMs, width) {
  const msPerPixel = (untilMs - sinceMs) / width;
  const stepMs =
    STEPS_MS.find((ms) => ms >= MARK_WIDTH * msPerPixel) ?? 43_200_000;
  const offsetMs = new Date(untilMs).getTimezoneOffset() * 60_000;
  const times = [];
  let ms = Math.ceil((sinceMs - offsetMs) / stepMs) * stepMs + offsetMs;
  for (; ms < untilMs - (MARK_WIDTH / 2) * msPerPixel; ms += stepMs) {
    if (ms - sinceMs >= (MARK_WIDTH / 3) * msPerPixel) {
      times.push(ms);
    }
  }
  return times;
}

/** @param {Election[]} elections */
function termTable(elections) {
  const rows = elections.flatMap(({ election, terms }) =>
    terms.map((term) => ({ election, ...term })),
  );
  rows.sort((a, b) => Date.parse(b.since) - Date.parse(a.since));
  return element(
    'table',
    {},
    tableHead(['Election', 'Leader', 'Since', 'Until', 'Fencing token']),
    element(
      'tbody',
      {},
      ...rows
        .slice(0, 100)
        .map(({ election, instanceId, since, until, fencingToken }) =>
          element(
            'tr',
            {},
            element('td', {}, election),
            element('td', {}, instanceName(instanceId)),
            element('td', { class: 'number' }, clockText(since)),
            element(
              'td',
              { class: 'number' },
              until ? clockText(until) : isStale() ? unknown() : 'now',
            ),
            element('td', { class: 'number mono' }, fencingToken),
          ),
        ),
    ),
  );
}

/** @param {number} ms */
function shortClock(ms) {
  return new Date(ms).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
  });
}

/**
 * @param {string} text
 * @param {number} most
 */
function clipped(text, most) {
  const characters = Array.from(text);
  return characters.length > most
    ? `${characters.slice(0, most - 1).join('')}…`
    : text;
}
