/* esbuild turns these imports into the page's one style sheet. */
declare module '*.css';
