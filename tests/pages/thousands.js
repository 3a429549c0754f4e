// A report of thousands of rows, with names and contents that are meant to break out of the page.
'use strict';
hands.run(async () => {
  const { $, check, rows, isOpen, inWindow, press, type, go, settle } = hands;
  const all = JSON.parse($('data').textContent).rows.length;
  const elements = () => document.querySelectorAll('*').length;
  // Work is bounded by what is near the window: so is the number of elements.
  const few = 12000;

  check('all rows are counted', all >= 5000 && $('status').textContent === `${all.toLocaleString('en')} rows`, $('status').textContent);
  check('few are made at the start', rows().length < 300 && elements() < few, `${rows().length} rows, ${elements()} elements`);

  await type('service-04711');
  check('one of thousands is found', rows().length === 1 && rows()[0].textContent.includes('service-04711.conf'), rows().length);
  await type('');
  await press('e');
  check('unfolding all makes few', elements() < few, elements());
  await press('c');

  await go(`#row-${all - 7}`);
  const late = document.querySelector(`#row-${all - 7}`);
  check('a late row is linked', late && isOpen(late) && inWindow(late), late && late.getBoundingClientRect().top);
  await press('j');
  check('j goes on from there', document.activeElement.closest('.row') === document.querySelector(`#row-${all - 6}`) && inWindow(document.activeElement), document.activeElement.textContent.slice(0, 60));
  scrollTo(0, document.documentElement.scrollHeight);
  await settle();
  scrollTo(0, document.documentElement.scrollHeight);
  await settle();
  check('one can scroll to the end', document.querySelector(`#row-${all}`), rows().length);
  await type('slow-');
  await press('/');
  await press('Enter');
  await press('Enter', { shiftKey: true });
  const last = document.querySelector('.row.current');
  check('the search goes round', last && inWindow(last) && Number(last.id.slice(4)) > 4000, last && last.id);
  await type('');

  dispatchEvent(new Event('beforeprint'));
  check('all rows are printed', rows().length === all, rows().length);

  // What others wrote is text.
  await type('onerror=window.broken');
  check('a hostile name is shown as it is', rows().length === 1 && rows()[0].textContent.includes('<img src=x onerror=window.broken=1>'), rows().length);
  await type('broken=2');
  await press('e');
  check('a hostile line is shown as it is', rows().length === 1 && rows()[0].textContent.includes('<\/script><script>window.broken=2<\/script>'), rows().map(row => row.textContent));
  await type('turned');
  await press('e');
  check('marks of direction are written out', rows().length === 1 && rows()[0].textContent.includes('\\u{202e}') && !rows()[0].textContent.includes('\u202e'), rows().map(row => row.textContent));
  check('nothing of others ran or became an element', window.broken === undefined && !document.querySelector('img') && document.scripts.length === 5, document.scripts.length);
});
