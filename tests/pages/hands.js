// Hands and eyes for the checks of a page; they use it as a reader does, by keys and presses. What they
// found is left in the page as JSON.
'use strict';
const hands = (() => {
  const found = [];
  const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done, 20)));
  const settle = async () => { for (let round = 0; round < 5; round++) await frame(); };
  const $ = id => document.getElementById(id);
  const check = (claim, holds, seen) => found.push({ claim, holds: Boolean(holds), seen: String(seen ?? '') });
  const rows = () => [...document.querySelectorAll('.row')];
  const button = row => row.querySelector('.title > button');
  const isOpen = row => button(row).getAttribute('aria-expanded') === 'true' && Boolean(row.querySelector('.body'));
  const inWindow = node => {
    const { top, bottom, height } = node.getBoundingClientRect();
    return height > 0 && top >= 0 && Math.min(bottom, top + 30) <= innerHeight;
  };
  const press = async (key, options = {}) => {
    const target = document.activeElement || document.body;
    const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...options });
    // A button that has the focus is pressed by these two keys.
    if (target.dispatchEvent(event) && (key === 'Enter' || key === ' ') && target.matches('button')) target.click();
    await settle();
  };
  const type = async text => {
    $('query').value = text;
    $('query').dispatchEvent(new Event('input', { bubbles: true }));
    $('query').blur();
    await new Promise(done => setTimeout(done, 120));
    await settle();
  };
  const choose = async (id, value) => {
    $(id).value = value;
    $(id).dispatchEvent(new Event('change', { bubbles: true }));
    await settle();
  };
  const go = async hash => {
    location.hash = hash;
    await settle();
  };

  // ---- contrast, by WCAG 2.2: the formula of relative luminance ----

  const colour = text => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => [r, g, b].map(part => part / 255)
    .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = node => {
    for (let at = node; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.a === 1) return found;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const contrast = node => {
    const [a, b] = [luminance(colour(getComputedStyle(node).color)), luminance(ground(node))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  /** Every element with a text of its own is readable. */
  const readable = theme => {
    let worst = [99, ''];
    const own = node => [...node.childNodes].some(child => child.nodeType === 3 && child.data.trim());
    const nodes = [...document.querySelectorAll('#app *')].filter(node => own(node) && node.checkVisibility() && !node.matches(':disabled, option, script'));
    for (const node of nodes) {
      const ratio = contrast(node);
      if (ratio < worst[0]) worst = [ratio, `${node.tagName}.${node.className} ${node.textContent.slice(0, 30)}`];
    }
    check(`${theme}: every text has a contrast of 4.5`, nodes.length > 20 && worst[0] >= 4.5, `${nodes.length} texts, worst ${worst}`);
    return getComputedStyle(document.documentElement).backgroundColor;
  };

  // The browser takes the page down when it is loaded: a frame that is not keeps it waiting.
  const waiting = document.createElement('iframe');
  waiting.hidden = true;
  document.body.append(waiting);
  waiting.contentDocument.open();

  const run = async body => {
    try {
      await settle();
      await body();
    } catch (error) {
      check('the checks ran to their end', false, error.stack);
    }
    check('nothing went wrong on the page', !trouble.length, trouble.join('; '));
    const node = document.createElement('pre');
    node.id = 'found';
    // No sign that HTML would write otherwise.
    node.textContent = JSON.stringify(found).replace(/[<>&\u00a0]/g, sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
    document.body.append(node);
    waiting.contentDocument.close();
  };

  return { $, check, rows, button, isOpen, inWindow, press, type, choose, go, settle, readable, run };
})();
