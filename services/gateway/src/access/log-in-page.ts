const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);

const STYLE = `
:root { color-scheme: light dark; --paper: #f2f4f1; --surface: #fff; --ink: #11201f; --edge: #7a8986; --cyan: #00666f; --cyan-ink: #fff; --red: #b0271f; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #131b1c; --surface: #1b2526; --ink: #e6eeec; --edge: #70817f; --cyan: #5ed4dd; --cyan-ink: #06191b; --red: #ff8273; }
}
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(26rem, calc(100vw - 2rem)); }
label { display: block; margin: 1.5rem 0 0.375rem; }
input, button { box-sizing: border-box; width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; border-radius: 0.375rem; font: inherit; }
input { border: 1px solid var(--edge); background: var(--surface); color: var(--ink); }
button { margin-top: 1rem; border: 0; background: var(--cyan); color: var(--cyan-ink); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--red); outline-offset: 2px; }
[role='alert'] { color: var(--red); }
`;

/** A page without a script: the key goes to the server once, and is kept nowhere in the browser. */
export function logInPage(nonce: string, problem?: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>Log in · Soundstage</title>
<link rel="icon" href="data:," />
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<main>
<h1>Soundstage</h1>
<p>Whoever runs this server gives out keys.</p>
${problem ? `<p role="alert">${escapeHtml(problem)}</p>` : ''}
<form method="post" action="/login">
<label for="key">Key or token</label>
<input id="key" name="key" type="password" required autocomplete="off" spellcheck="false" autofocus />
<button>Log in</button>
</form>
</main>
</body>
</html>
`;
}
