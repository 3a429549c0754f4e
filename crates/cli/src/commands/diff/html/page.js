// The page of a report: causes, under each its rows. Rows are made when they come near the window, in
// chunks, so that a report of many thousands starts at once; what is open, shown and current is kept
// beside them.
'use strict';
(() => {
  const { element, line, pair, visible } = values;
  const $ = id => document.getElementById(id);
  const report = JSON.parse($('data').textContent);
  const CHUNK = 25;
  const OPEN = 40;
  const PLACES = 10;
  const FINDINGS = 60;
  // Kinds that a finding shows without being told.
  const PLAIN = new Set(['line', 'setting', 'entry', 'bytes', 'not-compared']);
  const count = (number, noun) => `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`;
  const partNames = new Set(report.before.parts.concat(report.after.parts).map(part => part[0]).filter(Boolean));

  const boring = finding => finding.kind === 'identity' || finding.kind === 'encoding';
  const isSame = row => row.change !== 'added' && row.change !== 'removed' && row.findings.every(boring);
  const isNotCompared = row => row.findings.some(finding => finding.kind === 'not-compared');
  const causeText = cause => [cause.kind, cause.what, cause.change, cause.position || '', ...cause.parts].join('\n');

  // What is shown of each row, and of each group: a cause, or what has none.
  const rows = report.rows.map((row, index) => ({
    row, index, same: isSame(row), open: index < OPEN && !isSame(row), text: null, group: null, chunk: null, node: null,
  }));
  const groups = report.causes.map((cause, index) => ({ cause, index, rows: [], open: true }));
  const rest = { cause: null, index: -1, rows: [], open: true };
  for (const item of rows) {
    const first = item.row.causes[0];
    item.group = groups[first] || rest;
    item.group.rows.push(item);
  }
  if (rest.rows.length) groups.push(rest);

  let order = [];
  let current = null;
  const filter = { terms: [], thing: '', change: '', cause: '' };

  // ---- searching ----

  function textOf(item) {
    if (item.text === null) {
      const parts = [item.row.thing, item.row.change];
      const within = findings => findings.forEach(finding => {
        parts.push(finding.kind, visible(finding.what));
        for (const value of [finding.before, finding.after, finding.note]) if (value !== undefined) parts.push(visible(value));
        within(finding.inside || []);
      });
      item.row.places.forEach(place => parts.push(place.path.join(' › '), place.path.join('/'), place.from || ''));
      within(item.row.findings);
      for (const index of item.row.causes) {
        const cause = report.causes[index];
        parts.push(cause.kind, cause.what, cause.position || '');
      }
      item.text = parts.join('\n').toLowerCase();
    }
    return item.text;
  }

  function terms(text) {
    const found = text.toLowerCase().match(/"[^"]+"?|\S+/g) || [];
    return found.map(term => term.replace(/^"|"$/g, '')).filter(Boolean);
  }

  function matches(item) {
    const row = item.row;
    if (filter.thing && row.thing !== filter.thing) return false;
    if (filter.change === 'same-meaning' ? !item.same : filter.change === 'not-compared' ? !isNotCompared(row)
      : filter.change && row.change !== filter.change) return false;
    if (filter.cause && !(filter.cause === 'none' ? !row.causes.length : row.causes.includes(+filter.cause))) return false;
    return filter.terms.every(term => textOf(item).includes(term));
  }

  const isFiltered = () => Boolean(filter.terms.length || filter.thing || filter.change || filter.cause);

  // ---- rows ----

  function pathOf(place, tag) {
    const path = place.path.slice();
    const node = element('span', { class: `path t ${tag || ''}` });
    if (path.length > 1 && partNames.has(path[0])) node.append(element('span', { class: 'dir' }, `${line(path.shift())} › `));
    path.forEach((part, index) => {
      const cut = part.lastIndexOf('/') + 1;
      if (index) node.append(' › ');
      if (cut) node.append(element('span', { class: 'dir' }, line(part.slice(0, cut))));
      node.append(element('span', { class: 'name' }, line(part.slice(cut))));
    });
    return node;
  }

  /** Puts the first elements of a list up, and a button for the rest. */
  function some(list, most, box, make) {
    const add = (from, to) => box.append(...list.slice(from, to).map(make));
    const next = (from, step) => {
      add(from, from + step);
      if (from + step >= list.length) return;
      const button = element('button', { type: 'button', class: 'more' }, `${count(list.length - from - step, 'more').replace(/s$/, '')}`);
      button.addEventListener('click', () => {
        button.remove();
        next(from + step, step * 4);
        mark();
      });
      box.append(button);
    };
    next(0, most);
    return box;
  }

  function findingOf(finding) {
    const { kind, before, after, note } = finding;
    const node = element('li', { class: `finding ${kind}${boring(finding) ? ' quietly' : ''}` });
    if (kind === 'not-compared') node.append(element('span', { class: 'what' }, 'not compared: '));
    node.append(element('span', { class: 'what t' }, visible(finding.what)));
    if (!PLAIN.has(kind)) node.append(element('span', { class: 'tag', title: 'Kind of finding' }, kind));
    if (before !== undefined || after !== undefined) node.append(' ', pair(before, after, 'full'));
    if (note !== undefined) node.append(element('span', { class: 'note t' }, ` (${visible(note)})`));
    if (finding.inside && finding.inside.length) node.append(some(finding.inside, FINDINGS, element('ul'), findingOf));
    return node;
  }

  function hint(row) {
    const first = row.findings[0];
    if (!first) {
      const from = row.places.length === 1 ? row.places[0].from : undefined;
      return element('span', { class: 'hint t' }, from === undefined ? '' : `was ${line(from)}`);
    }
    const node = element('span', { class: 'hint' }, element('span', { class: 't' }, line(first.what)));
    if (first.before !== undefined || first.after !== undefined) node.append(' ', pair(first.before, first.after, 'hint'));
    const more = row.findings.length + row.more - 1;
    if (more > 0) node.append(`  and ${more.toLocaleString('en')} more`);
    return node;
  }

  function bodyOf(item) {
    const row = item.row;
    const body = element('div', { class: 'body', id: `body-${item.index + 1}` });
    if (row.places.length > 1 || item.row.places.some(place => place.from !== undefined)) {
      body.append(some(row.places, PLACES, element('ul', { 'aria-label': 'Places' }), place => {
        const was = place.from === undefined ? null : element('span', { class: 't' }, ` (was ${line(place.from)})`);
        return element('li', { class: 'place' }, pathOf(place), was);
      }));
    }
    if (row.findings.length) {
      // What was searched for is put up however far down it stands.
      let most = FINDINGS;
      if (filter.terms.length) {
        const holds = finding => filter.terms.some(term => JSON.stringify(finding).toLowerCase().includes(term));
        const at = row.findings.findIndex(holds);
        if (at >= most) most = at + 5;
      }
      body.append(some(row.findings, most, element('ul', { 'aria-label': 'Findings' }), findingOf));
    }
    if (row.more) body.append(element('p', { class: 'note' }, `${count(row.more, 'finding')} beyond the limit of one file: counted, not written down.`));
    const facts = element('p', { class: 'facts' }, `ranked by ${row.score} points: ${row.rules.join(', ') || 'no rule'}`);
    const others = row.causes.filter(index => groups[index] !== item.group);
    others.forEach((index, at) => facts.append(at ? ', ' : '; also from ', element('a', { href: `#cause-${index + 1}` }, `cause ${index + 1}`)));
    body.append(facts);
    return body;
  }

  function nodeOf(item, at, all) {
    const { row, index } = item;
    const button = element('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': `body-${index + 1}` }, element('span', { class: 'fold', 'aria-hidden': 'true' }));
    const word = { added: 'added', removed: 'removed', moved: 'moved' }[row.change];
    if (word) button.append(element('span', { class: `sign ${word}` }, word));
    const several = row.places.length > 1;
    if (item.same && several) {
      const noun = row.thing === 'kernel-module' ? 'module' : 'file';
      button.append(element('span', { class: 'path' }, `${count(row.places.length, noun)} equal in meaning`));
    } else {
      if (row.places[0]) button.append(pathOf(row.places[0]));
      if (several) button.append(element('span', { class: 'tag' }, `and ${(row.places.length - 1).toLocaleString('en')} more alike`));
      if (item.same) button.append(element('span', { class: 'tag' }, 'equal in meaning'));
    }
    button.append(hint(row), element('span', { class: 'tag' }, row.thing));
    button.addEventListener('click', () => {
      toggle(item);
      setCurrent(item);
    });
    const link = element('a', { class: 'link', href: `#row-${index + 1}`, 'aria-label': `Link to row ${index + 1}` }, `#${index + 1}`);
    item.node = element('div', { class: 'row', role: 'listitem', id: `row-${index + 1}`, 'aria-posinset': at, 'aria-setsize': all },
      element('div', { class: 'title' }, button, link));
    item.button = button;
    if (item === current) item.node.classList.add('current');
    show(item);
    return item.node;
  }

  /** Makes a row that stands on the page look as it should. */
  function show(item) {
    item.node.classList.toggle('open', item.open);
    item.button.setAttribute('aria-expanded', String(item.open));
    const body = item.node.querySelector(':scope > .body');
    if (item.open && !body) item.node.append(bodyOf(item));
    if (!item.open && body) body.remove();
  }

  function toggle(item) {
    item.open = !item.open;
    if (item.node) show(item);
    mark();
  }

  // ---- chunks ----

  const near = new IntersectionObserver(entries => {
    for (const entry of entries) {
      entry.target.near = entry.isIntersecting;
      if (entry.isIntersecting) build(entry.target.chunk);
    }
    mark();
  }, { rootMargin: '1200px 0px' });

  function build(chunk) {
    if (chunk.built) return;
    chunk.built = true;
    chunk.node.append(...chunk.items.map((item, at) => nodeOf(item, chunk.start + at + 1, chunk.all)));
    chunk.node.style.minHeight = '';
  }

  function chunksOf(group) {
    const list = group.list;
    list.replaceChildren();
    const all = group.shown.length;
    for (let start = 0; start < all; start += CHUNK) {
      const items = group.shown.slice(start, start + CHUNK);
      const node = element('div', { class: 'chunk', role: 'presentation' });
      const chunk = { node, items, start, all, built: false };
      const height = `${items.length * 34}px`;
      node.style.minHeight = height;
      node.style.containIntrinsicBlockSize = `auto ${height}`;
      node.chunk = chunk;
      items.forEach(item => { item.chunk = chunk; });
      list.append(node);
      near.observe(node);
    }
  }

  /** `A -> B` in words, with what differs marked. */
  function changeOf(change) {
    const [before, after, other] = change.split(' -> ');
    if (after === undefined || other !== undefined) return element('span', { class: 't' }, line(change));
    return pair(before, after, 'hint');
  }

  function groupOf(group) {
    const { cause, index } = group;
    const button = element('button', { type: 'button', 'aria-expanded': 'true' }, element('span', { class: 'fold', 'aria-hidden': 'true' }));
    if (cause) {
      button.append(element('span', { class: 'number' }, String(index + 1)), element('span', { class: 'kind t' }, cause.kind),
        element('span', { class: 'cause-what mono t' }, line(cause.what)), changeOf(cause.change));
      if (cause.position) button.append(element('span', { class: 'mono dim t' }, line(cause.position)));
      if (cause.role === 'tool') button.append(element('span', { class: 'dim' }, 'a tool: nothing of it is in the result'));
    } else {
      button.append(element('span', { class: 'number' }, report.causes.length ? 'Without a known cause' : 'Differences'));
    }
    group.tally = element('span', {});
    button.append(element('span', { class: 'spring' }, cause ? `${count(cause.paths, 'path')} by it, ` : '', group.tally));
    button.addEventListener('click', () => {
      foldGroup(group, !group.open);
      setCurrent(group);
    });
    group.button = button;
    group.list = element('div', { role: 'list', 'aria-label': cause ? `Rows of cause ${index + 1}` : 'Rows' });
    const title = element('div', { class: 'title' }, button);
    if (cause) title.append(element('a', { class: 'link', href: `#cause-${index + 1}`, 'aria-label': `Link to cause ${index + 1}` }, `#cause-${index + 1}`));
    group.node = element('section', { class: 'group open', id: cause ? `cause-${index + 1}` : 'no-cause' }, title);
    group.parts = null;
    if (cause && cause.parts.length) {
      group.parts = some(cause.parts, 12, element('div', { class: 'parts t' }), part => element('span', {}, `${line(part)}; `));
      group.node.append(group.parts);
    }
    group.node.append(group.list);
    $('report').append(group.node);
  }

  function foldGroup(group, open) {
    group.open = open;
    group.node.classList.toggle('open', open);
    group.button.setAttribute('aria-expanded', String(open));
    group.list.hidden = !open;
    if (group.parts) group.parts.hidden = !open;
    arrange();
  }

  function arrange() {
    order = [];
    for (const group of groups) {
      if (group.node.hidden) continue;
      if (group.cause) order.push(group);
      if (group.open) for (const item of group.shown) order.push(item);
    }
  }

  /** Shows what the search and the filters let through. */
  function render() {
    near.disconnect();
    let all = 0;
    for (const item of rows) item.node = item.chunk = item.button = null;
    for (const group of groups) {
      group.shown = isFiltered() ? group.rows.filter(matches) : group.rows;
      all += group.shown.length;
      // A cause that is found by what became of it stays, whether rows are or not.
      const told = group.cause && filter.terms.length && !filter.thing && !filter.change && !filter.cause
        && filter.terms.every(term => causeText(group.cause).toLowerCase().includes(term));
      group.node.hidden = isFiltered() && !group.shown.length && !told;
      group.tally.textContent = isFiltered() ? `${group.shown.length.toLocaleString('en')} of ${count(group.rows.length, 'row')}` : count(group.rows.length, 'row');
      chunksOf(group);
    }
    arrange();
    // What the first screen needs is there at once.
    let made = 0;
    for (const item of order) {
      if (made >= 2 * CHUNK) break;
      if (item.row) {
        build(item.chunk);
        made += 1;
      }
    }
    $('none').hidden = groups.some(group => !group.node.hidden) || !rows.length;
    for (const button of $('counts').children) button.setAttribute('aria-pressed', String(filter.change === button.value));
    if (current && !order.includes(current)) setCurrent(null);
    tell();
    mark();
  }

  function tell() {
    const shown = order.filter(item => item.row);
    const all = groups.reduce((sum, group) => sum + (group.node.hidden ? 0 : group.shown.length), 0);
    let text = isFiltered() ? `${all.toLocaleString('en')} of ${count(rows.length, 'row')}` : count(rows.length, 'row');
    const at = shown.indexOf(current);
    if (filter.terms.length && at >= 0) text = `${(at + 1).toLocaleString('en')} of ${all.toLocaleString('en')} that match`;
    $('status').textContent = text;
  }

  // ---- marks of what was searched for ----

  const found = window.Highlight && CSS.highlights ? new Highlight() : null;
  if (found) CSS.highlights.set('found', found);
  let marking = false;

  function mark() {
    if (!found || marking) return;
    marking = true;
    requestAnimationFrame(() => {
      marking = false;
      found.clear();
      if (!filter.terms.length) return;
      const boxes = groups.filter(group => !group.node.hidden).flatMap(group =>
        [...group.node.querySelectorAll(':scope > .title, :scope > .parts'), ...[...group.list.children].filter(node => node.near)]);
      for (const box of boxes) for (const node of box.querySelectorAll('.t')) markIn(node);
    });
  }

  function markIn(node) {
    const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    const texts = [];
    let whole = '';
    for (let text = walk.nextNode(); text; text = walk.nextNode()) {
      texts.push([whole.length, text]);
      whole += text.data;
    }
    const lower = whole.toLowerCase();
    if (lower.length !== whole.length) return;
    const place = at => {
      let index = texts.length - 1;
      while (index > 0 && texts[index][0] > at) index--;
      return [texts[index][1], at - texts[index][0]];
    };
    for (const term of filter.terms) {
      for (let at = lower.indexOf(term), most = 0; at >= 0 && most < 50; at = lower.indexOf(term, at + term.length), most++) {
        const range = new Range();
        range.setStart(...place(at));
        range.setEnd(...place(at + term.length));
        found.add(range);
      }
    }
  }

  // ---- moving ----

  function setCurrent(item) {
    if (current && current.node) current.node.classList.remove('current');
    current = item;
    if (item && item.node) item.node.classList.add('current');
    tell();
  }

  /** Brings a row or a cause to the window. */
  function reveal(item, { block = 'nearest', focus = true } = {}) {
    if (item.row) {
      if (!item.chunk) clear();
      if (!item.group.open) foldGroup(item.group, true);
      build(item.chunk);
      for (const beside of [item.chunk.node.previousSibling, item.chunk.node.nextSibling]) if (beside) build(beside.chunk);
    } else if (item.node.hidden) {
      clear();
    }
    setCurrent(item);
    if (focus) item.button.focus({ preventScroll: true });
    const node = item.row ? item.node : item.button;
    node.scrollIntoView({ block });
    // Chunks that came near have another height than they were thought to have.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (current === item && node.isConnected) node.scrollIntoView({ block });
    }));
  }

  function move(step) {
    if (!order.length) return;
    const at = order.indexOf(current);
    const to = at < 0 ? (step > 0 ? 0 : order.length - 1) : Math.min(Math.max(at + step, 0), order.length - 1);
    reveal(order[to]);
  }

  function find(step, focus) {
    const at = order.indexOf(current);
    for (let tried = 0, to = at < 0 && step < 0 ? 0 : at; tried < order.length; tried++) {
      to = (to + step + order.length) % order.length;
      const item = order[to];
      if (!item.row) continue;
      item.open = true;
      if (item.node) show(item);
      reveal(item, { block: 'center', focus });
      mark();
      return;
    }
  }

  /** The row at the top of the window. */
  function atTop() {
    const under = document.elementFromPoint(innerWidth / 2, $('bar').getBoundingClientRect().bottom + 20);
    const row = under && under.closest('.row');
    return row ? rows[row.id.slice(4) - 1] : null;
  }

  function foldAll(open) {
    const kept = current || atTop();
    for (const item of rows) if (item.chunk) item.open = open;
    render();
    if (kept && order.includes(kept)) reveal(kept, { block: 'center', focus: kept === current });
  }

  function follow() {
    const [, kind, number] = /^#(row|cause)-(\d+)$/.exec(location.hash) || [];
    const item = kind === 'row' ? rows[number - 1] : kind === 'cause' ? groups[number - 1] : null;
    if (!item || (kind === 'cause' && !item.cause)) return;
    document.querySelectorAll('.linked').forEach(node => node.classList.remove('linked'));
    if (item.row) {
      item.open = true;
      if (item.node) show(item);
    } else if (!item.open) foldGroup(item, true);
    reveal(item, { block: item.row ? 'center' : 'start' });
    item.node.classList.add('linked');
  }

  function clear() {
    Object.assign(filter, { terms: [], thing: '', change: '', cause: '' });
    $('query').value = $('thing').value = $('change').value = $('cause').value = '';
    render();
  }

  // ---- head and tools ----

  function head() {
    const named = (side, word) => [element('span', {}, `${word} `), element('span', { class: 'mono' }, line(side.name)), ` (${line(side.kind)})`];
    $('names').append(...named(report.before, 'from'), ' ', ...named(report.after, 'to'));
    const words = { equal: 'equal', 'same-meaning': 'equal in meaning', nondeterministic: 'not reproducible', different: 'different' };
    $('verdict').textContent = words[report.verdict] || report.verdict;
    $('verdict').className = report.verdict;
    const kinds = [['added', 'added'], ['removed', 'removed'], ['changed', 'changed'], ['moved', 'moved'], ['same_meaning', 'equal in meaning'], ['not_compared', 'not compared']];
    for (const [key, word] of kinds) {
      const number = report.counts[key];
      if (!number) continue;
      const button = element('button', { type: 'button', value: key.replace('_', '-') }, `${number.toLocaleString('en')} ${word}`);
      button.addEventListener('click', () => {
        filter.change = $('change').value = filter.change === button.value ? '' : button.value;
        render();
      });
      $('counts').append(button);
    }
    const table = element('table', {}, element('tr', {}, ...['part', 'before', 'after'].map(word => element('th', { scope: 'col' }, word))));
    const [before, after] = [new Map(report.before.parts), new Map(report.after.parts)];
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [a, b] = [before.get(name), after.get(name)];
      const cell = id => element('td', { class: `mono${a === b ? ' dim' : ''}` }, id === undefined ? 'none' : line(id));
      table.append(element('tr', {}, element('td', {}, line(name) || 'all'), cell(a), a === b ? element('td', { class: 'dim' }, 'the same') : cell(b)));
    }
    $('parts').append(table);
  }

  function choices(select, all, values) {
    select.append(element('option', { value: '' }, all), ...values.filter(([, , number]) => number).map(
      ([value, word, number]) => element('option', { value }, `${word} (${number.toLocaleString('en')})`)));
    select.disabled = select.length < 2;
    select.addEventListener('change', () => {
      filter[select.id] = select.value;
      render();
    });
  }

  function filters() {
    const tally = key => {
      const map = new Map();
      rows.forEach(({ row }) => map.set(row[key], (map.get(row[key]) || 0) + 1));
      return [...map].map(([value, number]) => [value, value, number]);
    };
    choices($('thing'), 'all things', tally('thing').sort());
    choices($('change'), 'all changes', [...tally('change'),
      ['same-meaning', 'equal in meaning', rows.filter(item => item.same).length],
      ['not-compared', 'not compared', rows.filter(item => isNotCompared(item.row)).length]]);
    const number = new Map();
    rows.forEach(({ row }) => (row.causes.length ? row.causes : ['none']).forEach(index => number.set(index, (number.get(index) || 0) + 1)));
    const short = text => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
    choices($('cause'), 'all causes', [...report.causes.map((cause, index) => [index, short(line(`${index + 1} ${cause.kind} ${cause.what}`)), number.get(index)]),
      ...(report.causes.length ? [['none', 'without a known cause', number.get('none')]] : [])]);
  }

  function theme() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const root = document.documentElement;
    const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches);
    const name = () => { $('theme').textContent = isDark() ? 'Light' : 'Dark'; };
    try {
      const kept = localStorage.getItem('groundup-theme');
      if (kept === 'dark' || kept === 'light') root.dataset.theme = kept;
    } catch { /* A page from a file may be refused a memory. */ }
    dark.addEventListener('change', name);
    $('theme').addEventListener('click', () => {
      root.dataset.theme = isDark() ? 'light' : 'dark';
      try { localStorage.setItem('groundup-theme', root.dataset.theme); } catch { /* As above. */ }
      name();
    });
    name();
  }

  function key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || $('help').open) return;
    const target = event.target;
    if (target === $('query')) {
      if (event.key === 'Enter') {
        search();
        find(event.shiftKey ? -1 : 1, false);
      } else if (event.key === 'Escape' && !$('query').value) $('query').blur();
      else return;
      event.preventDefault();
      return;
    }
    if (target.closest('select, input')) return;
    const act = {
      '/': () => { $('query').focus(); $('query').select(); },
      j: () => move(1), k: () => move(-1), n: () => find(1, true), N: () => find(-1, true),
      e: () => foldAll(true), c: () => foldAll(false), '?': () => $('help').showModal(),
      Enter: target.closest('button, a, summary') || !current ? null : () => current.button.click(),
      ' ': target.closest('button, a, summary') || !current ? null : () => current.button.click(),
      Escape: isFiltered() ? clear : null,
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  function search() {
    const wanted = terms($('query').value);
    if (wanted.join('\n') === filter.terms.join('\n')) return;
    filter.terms = wanted;
    render();
  }

  let typing = 0;
  $('query').addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(search, 80);
  });
  $('next').addEventListener('click', () => find(1, false));
  $('previous').addEventListener('click', () => find(-1, false));
  $('expand').addEventListener('click', () => foldAll(true));
  $('collapse').addEventListener('click', () => foldAll(false));
  $('keys').addEventListener('click', () => $('help').showModal());
  $('reset').addEventListener('click', clear);
  document.addEventListener('keydown', key);
  window.addEventListener('hashchange', follow);
  window.addEventListener('beforeprint', () => groups.forEach(group => [...group.list.children].forEach(node => build(node.chunk))));
  // A click on the link of the row that the address names already brings it back.
  document.addEventListener('click', event => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.getAttribute('href') === location.hash) follow();
  });

  $('app').hidden = false;
  head();
  filters();
  theme();
  groups.forEach(groupOf);
  render();
  new ResizeObserver(() => {
    document.documentElement.style.setProperty('--bar', `${$('bar').offsetHeight + 8}px`);
  }).observe($('bar'));
  follow();
  document.documentElement.dataset.ready = 'yes';
})();
