// Stands before everything else in a copy of a page: notes what goes wrong.
window.trouble = [];
window.addEventListener('error', event => trouble.push(`error: ${event.message}`));
window.addEventListener('unhandledrejection', event => trouble.push(`rejection: ${event.reason}`));
document.addEventListener('securitypolicyviolation', event => trouble.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
for (const level of ['error', 'warn']) {
  const said = console[level];
  console[level] = (...words) => {
    trouble.push(`${level}: ${words.join(' ')}`);
    said.apply(console, words);
  };
}
