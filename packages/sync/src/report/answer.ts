/** An answer in words and as a picture, for other pages than the report: nothing here needs Node or a model. */
export { signInWords, signPicture } from './sign-picture.js';
export { ADVICE, amount, driftInWords, headline, lateness, noticed, sureness, type Answer } from './words.js';
