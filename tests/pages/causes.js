// A report with causes: everything that a reader does.
'use strict';
hands.run(async () => {
  const { $, check, rows, button, isOpen, inWindow, press, type, choose, go, settle, readable } = hands;
  const report = JSON.parse($('data').textContent);
  const causes = () => [...document.querySelectorAll('.group:not([hidden])')];
  const all = report.rows.length;

  check('the whole report is there', rows().length === all && all >= 3, `${rows().length} of ${all}`);
  check('each cause is a card', causes().length === report.causes.length && report.causes.length >= 2, causes().length);
  check('a card says what moved, and where', causes()[0].textContent.includes(report.causes[0].what)
    && causes().some((card, at) => report.causes[at].position && card.textContent.includes(report.causes[at].position)), causes()[0].textContent.slice(0, 200));
  check('the verdict stands first', $('verdict').textContent === 'different', $('verdict').textContent);
  check('the headline counts causes', /^\d+ causes, \d+ paths differ/.test($('headline').textContent), $('headline').textContent);
  check('telling rows are open', isOpen(document.querySelector('#row-1')), '');

  // Folding.
  const first = document.querySelector('#row-1');
  button(first).focus();
  await press('Enter');
  check('Enter folds a row', !isOpen(first), first.textContent.slice(0, 80));
  await press(' ');
  check('Space unfolds it', isOpen(first), '');
  await press('c');
  check('c folds all', rows().every(row => !isOpen(row)), rows().filter(isOpen).length);
  await press('e');
  check('e unfolds all', rows().every(isOpen), rows().filter(isOpen).length);
  const card = causes()[0].querySelector('.title > button');
  card.click();
  await settle();
  check('a cause folds with its rows', card.getAttribute('aria-expanded') === 'false'
    && !rows().find(row => causes()[0].contains(row)).checkVisibility(), '');
  card.click();
  await settle();

  // Keys that move.
  document.activeElement.blur();
  await press('j');
  const one = document.activeElement;
  await press('j');
  const two = document.activeElement;
  await press('k');
  check('j and k move the focus', one !== two && document.activeElement === one && two.closest('.row, .group'), two.textContent.slice(0, 60));
  await press('?');
  check('? helps', $('help').open, '');
  $('help').close();

  // Searching.
  await press('/');
  check('/ goes to the search', document.activeElement === $('query'), document.activeElement.id);
  await type('limitnofile');
  check('a finding is found', rows().length === 1 && rows()[0].textContent.includes('db.service'), rows().map(row => row.id));
  check('what was found is marked', !CSS.highlights || CSS.highlights.get('found').size >= 1, CSS.highlights && CSS.highlights.get('found').size);
  check('it is said how many', /^1 of /.test($('status').textContent), $('status').textContent);
  check('a cause is found by what became of it', causes().length === 1 && causes()[0].id === 'cause-1', causes().map(card => card.id));
  await type('etc/page.conf');
  check('a path is found', rows().length === 1 && rows()[0].textContent.includes('page.conf'), rows().map(row => row.id));
  await type(report.causes[1].what.toUpperCase());
  const wanted = report.rows.filter(row => row.causes.includes(1)).length;
  check('a cause is found with all its rows', rows().length === wanted && wanted > 0, `${rows().length} of ${wanted}`);
  await type('db.service nothing-has-this');
  check('all words must match', rows().length === 0 && !$('none').hidden, rows().length);
  $('reset').click();
  await settle();
  check('clearing brings all back', rows().length === all && $('query').value === '', rows().length);
  await type('changed');
  const places = [];
  $('query').focus();
  for (let step = 0; step < 3; step++) {
    await press('Enter');
    places.push(document.querySelector('.row.current').id);
  }
  check('Enter goes from match to match', new Set(places).size >= 2 && document.activeElement === $('query'), places);
  $('query').blur();
  const before = document.querySelector('.row.current').id;
  await press('n');
  const after = document.querySelector('.row.current').id;
  await press('N', { shiftKey: true });
  check('n and N do as well', before !== after && document.querySelector('.row.current').id === before, [before, after]);
  await press('Escape');
  check('Escape ends the search', rows().length === all, rows().length);

  // Filters.
  const thing = report.rows[0].thing;
  await choose('thing', thing);
  const things = report.rows.filter(row => row.thing === thing).length;
  check('rows of one thing', rows().length === things && things < all, `${rows().length} of ${things}`);
  await choose('thing', '');
  await choose('cause', '0');
  const of = report.rows.filter(row => row.causes.includes(0)).length;
  check('rows of one cause', rows().length === of && of < all, `${rows().length} of ${of}`);
  await choose('cause', '');
  $('counts').querySelector('[value="changed"]').click();
  await settle();
  const changed = report.rows.filter(row => row.change === 'changed').length;
  check('rows of one change, by its count', rows().length === changed && $('change').value === 'changed', `${rows().length} of ${changed}`);

  // Links; a link goes through filters.
  await press('c');
  await type('nothing-has-this');
  await go('#row-2');
  const linked = document.querySelector('#row-2');
  check('a link opens its row and brings it to the window', linked && isOpen(linked) && inWindow(linked) && linked.matches('.linked'), linked && linked.getBoundingClientRect().top);
  await go('#cause-2');
  check('a link to a cause', inWindow(document.querySelector('#cause-2')) && location.hash === '#cause-2', '');
  check('each row links to itself', rows().every(row => row.querySelector('.link').getAttribute('href') === `#${row.id}`), '');
  $('theme').click();
  await type('x');
  check('links survive search and theme', location.hash === '#cause-2', location.hash);
  await type('');
  $('theme').click();

  // Roles.
  check('each row is an item of a list', rows().every(row => row.getAttribute('role') === 'listitem' && row.closest('[role="list"]')), '');
  check('each fold names its body', rows().every(row => !isOpen(row) || document.getElementById(button(row).getAttribute('aria-controls'))), '');
  const unnamed = [...document.querySelectorAll('#app button, #app a, #app select, #app input')].filter(node =>
    !(node.textContent.trim() || node.getAttribute('aria-label') || (node.labels && node.labels[0] && node.labels[0].textContent.trim())));
  check('every control has a name', !unnamed.length, unnamed.map(node => node.outerHTML));

  // Characters.
  const marked = (a, b) => values.segments(a, b).map(list => list.map(([text, changed]) => (changed ? `[${text}]` : text)).join(''));
  const told = (claim, a, b, x, y) => check(claim, marked(a, b).join(' | ') === `${x} | ${y}`, marked(a, b).join(' | '));
  told('one sign is marked', 'NFPROTO_IPV4', 'NFPROTO_IPV6', 'NFPROTO_IPV[4]', 'NFPROTO_IPV[6]');
  told('what came is marked', 'somaxconn = 409', 'somaxconn = 4096', 'somaxconn = 409[]', 'somaxconn = 409[6]');
  told('two words are marked apart', 'a=10 b=20 c', 'a=11 b=21 c', 'a=1[0] b=[20] c', 'a=1[1] b=[21] c');
  told('another alphabet is marked', 'admin', '\u0430dmin', '[a]dmin', '[\u0430]dmin');
  told('signs of two units are whole', 'x\u{1f600}', 'x\u{1f601}', 'x[\u{1f600}]', 'x[\u{1f601}]');
  check('what cannot be seen is written out', values.line('a\u202eb\u0000\nc') === 'a\\u{202e}b\\u{0}\\nc', values.line('a\u202eb\u0000\nc'));
  const long = values.pair(`${'x'.repeat(3000)}1${'y'.repeat(3000)}`, `${'x'.repeat(3000)}2${'y'.repeat(3000)}`, 'full');
  check('a long value is cut beside its difference', long.textContent.length < 1000 && long.querySelector('.gone b').textContent === '1', long.textContent.length);
  long.querySelector('.more').click();
  check('and there in full at a press', long.querySelector('.gone').textContent.length > 6000, long.textContent.length);
  check('differing signs are marked on the page', document.querySelector('.gone b') && document.querySelector('.new b'), '');

  // Without scripts it is the text, with every row: a parser that has none reads the page anew.
  const silent = new DOMParser().parseFromString(document.querySelector('noscript').textContent, 'text/html');
  const text = silent.querySelector('pre').textContent;
  const words = ['causes, ', 'etc/page.conf', 'LimitNOFILE', 'usr/bin/tool'];
  check('without scripts the text is there', words.every(word => text.includes(word)) && silent.body.children.length === 2, text);
  check('and no colours of a terminal', !text.includes('\u001b'), '');

  // Both themes.
  await press('e');
  document.documentElement.dataset.theme = 'light';
  await settle();
  const light = readable('light');
  document.documentElement.dataset.theme = 'dark';
  await settle();
  const dark = readable('dark');
  check('the themes differ', light !== dark, `${light} ${dark}`);
});
