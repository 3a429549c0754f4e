// Values of others as elements: what cannot be seen is written out, and where two values differ is
// marked. Text enters the page as text nodes only.
'use strict';
const values = (() => {
  const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]|(?! )\p{Zs}/gu;
  /** Code points that two values may have together to be compared word by word. */
  const WORDS = 300;
  /** Of a longer value, only what stands beside differences is shown. */
  const LONG = 1200;

  function escape(sign) {
    return sign === '\r' ? '\\r' : `\\u{${sign.codePointAt(0).toString(16)}}`;
  }

  /** Text with what the eye would miss or the page would obey written out; lines and tabs stay. */
  function visible(text) {
    return text.replace(UNSEEN, sign => (sign === '\n' || sign === '\t' ? sign : escape(sign)));
  }

  /** The same on one line. */
  function line(text) {
    return text.replace(UNSEEN, sign => (sign === '\n' ? '\\n' : sign === '\t' ? '\\t' : escape(sign)));
  }

  /** An element with classes, attributes and children; a child that is a string becomes text. */
  function element(tag, options, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(options || {})) {
      if (value === undefined || value === false) continue;
      if (name === 'class') node.className = value;
      else node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children.filter(child => child !== null && child !== undefined));
    return node;
  }

  /** What two lists have in common, as pairs of places: the longest common subsequence. */
  function common(x, y) {
    const width = y.length + 1;
    const best = new Uint16Array((x.length + 1) * width);
    for (let i = x.length - 1; i >= 0; i--) {
      for (let j = y.length - 1; j >= 0; j--) {
        best[i * width + j] = x[i] === y[j]
          ? best[(i + 1) * width + j + 1] + 1
          : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
      }
    }
    const pairs = [];
    for (let i = 0, j = 0; i < x.length && j < y.length;) {
      if (x[i] === y[j]) pairs.push([i++, j++]);
      else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) i++;
      else j++;
    }
    return pairs;
  }

  /** The middles of two values, word by word; all of them where they have too little in common. */
  function middles(x, y) {
    const whole = [[[x, true]], [[y, true]]];
    const split = text => text.match(/[\p{L}\p{N}_]+|\s+|./gsu) || [];
    const [a, b] = [split(x), split(y)];
    if (!a.length || !b.length || a.length > WORDS || b.length > WORDS) return whole;
    const pairs = common(a, b);
    const kept = pairs.reduce((sum, [i]) => sum + a[i].trim().length, 0);
    if (kept * 4 < Math.max(x.length, y.length)) return whole;
    const marked = (words, same) => {
      const parts = [];
      words.forEach((word, at) => {
        const changed = !same.has(at);
        const last = parts[parts.length - 1];
        if (last && last[1] === changed) last[0] += word;
        else parts.push([word, changed]);
      });
      return parts;
    };
    return [marked(a, new Set(pairs.map(pair => pair[0]))), marked(b, new Set(pairs.map(pair => pair[1])))];
  }

  /** Two values as lists of [text, whether it differs]. */
  function segments(before, after) {
    const [x, y] = [Array.from(before), Array.from(after)];
    const shorter = Math.min(x.length, y.length);
    let start = 0;
    while (start < shorter && x[start] === y[start]) start++;
    let end = 0;
    while (end < shorter - start && x[x.length - 1 - end] === y[y.length - 1 - end]) end++;
    const part = (list, from, to) => list.slice(from, to).join('');
    const [a, b] = middles(part(x, start, x.length - end), part(y, start, y.length - end));
    const [head, tail] = [part(x, 0, start), part(x, x.length - end)];
    const around = middle => [[head, false], ...middle, [tail, false]].filter(
      ([text, changed], at, all) => text || (changed && all.length === 3));
    return [around(a), around(b)];
  }

  /** Blanks that differ are drawn, or nobody would see them. */
  function drawn(text) {
    return /^\s+$/.test(text) ? visible(text).replace(/ /g, '·').replace(/\t/g, '⇥').replace(/\n/g, '↵\n') : visible(text);
  }

  function points(text) {
    if (text.length > 40 || !/[^\x20-\x7e]/.test(text)) return undefined;
    return Array.from(text, sign => `U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`).join(' ');
  }

  function elided(text, room) {
    if (text.length <= 2 * room + 40) return [text];
    const cut = text.length - 2 * room;
    return [text.slice(0, room), element('span', { class: 'elided' }, `… ${cut.toLocaleString('en')} more signs …`), text.slice(-room)];
  }

  /** One value; its classes say whether it is the one before or after. */
  function side(name, word, parts, form) {
    const length = parts.reduce((sum, [text]) => sum + text.length, 0);
    const node = element('span', { class: `${name} t` }, element('span', { class: 'quiet' }, `${word} `));
    const fill = whole => {
      for (const [text, changed] of parts) {
        // Between differences little is shown, of a value that came or went as a whole more.
        const pieces = whole ? [text] : elided(text, changed || parts.length === 1 ? 800 : 80);
        const shown = pieces.map(piece => (typeof piece === 'string' ? (changed ? drawn(piece) : visible(piece)) : piece));
        if (!changed) node.append(...shown);
        else node.append(element('b', { class: text ? undefined : 'void', title: points(text) }, ...shown));
      }
    };
    fill(length <= LONG);
    if (!length && parts.every(part => !part[1])) node.append(element('span', { class: 'elided' }, 'empty'));
    if (length > LONG && form !== 'hint') {
      const all = element('button', { type: 'button', class: 'more' }, `all ${length.toLocaleString('en')} signs`);
      all.addEventListener('click', () => {
        node.replaceChildren(node.firstChild);
        fill(true);
      });
      node.append(' ', all);
    }
    return node;
  }

  /** A value before and after, either of which may be missing; `form` is `full` or `hint`. */
  function pair(before, after, form) {
    const both = before !== undefined && after !== undefined;
    const cut = text => (form === 'hint' && text !== undefined ? line(text.slice(0, 400)) : text);
    const [x, y] = [cut(before), cut(after)];
    const [a, b] = both ? segments(x, y) : [[[x, false]], [[y, false]]];
    const tall = form === 'full' && [x, y].some(text => text !== undefined && (text.length > 60 || text.includes('\n')));
    const node = element('span', { class: tall ? 'values tall' : both ? 'values' : 'values single' });
    if (x !== undefined) node.append(side('gone', 'before:', a, form));
    if (both && !tall) node.append(' → ');
    if (y !== undefined) node.append(side('new', 'after:', b, form));
    return node;
  }

  return { element, line, pair, segments, visible };
})();
