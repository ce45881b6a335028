/*
 * The last look at a line of the log. Secrets have no business there in the first place, and nothing here writes them;
 * this is for what a library, an error or somebody's URL brings along.
 */

/** Keys as `soundstage keys new` makes them; JWTs; what follows Bearer; signatures and tokens in addresses; cookies; PEM. */
const SECRETS: readonly [RegExp, string][] = [
  [/\bsoundstage_[\w-]{43}/g, 'soundstage_[removed]'],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '[token removed]'],
  [/\b(bearer)(\s+|%20)[^\s"'\\,;]+/gi, '$1 [removed]'],
  [/([?&](?:x-goog-signature|x-goog-credential|signature|token|key|access_token)=)[^&\s"'\\]+/gi, '$1[removed]'],
  [/((?:__Host-)?soundstage=)[\w-]+\.[\w-]+/g, '$1[removed]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs, '[private key removed]'],
];

/** A text without what looks like a secret. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((cleaned, [pattern, instead]) => cleaned.replace(pattern, instead), text);
}
