/** A request to the store that its signature allows, without any token, until it expires. */
export interface SignedAddress {
  url: string;
  method: 'GET' | 'POST';
  /** To be sent exactly so: the signature covers them. */
  headers: Record<string, string>;
  expiresAt: Date;
}

/**
 * What some object stores can do besides: let clients send and fetch bytes by themselves, so that media doesn't pass
 * through services. Cloud Storage can; a folder can't.
 */
export interface SignedAddresses {
  /** Where the addresses lead, for example `https://storage.googleapis.com`. */
  readonly origin: string;

  /**
   * Opens one resumable upload of an object that isn't there yet, of exactly this size; how it goes on is told at
   * `SignedAddress` in transfer_service.proto. The hash is noted with the object and is no more than the sender's word:
   * whoever reads the object whole has to check it (`fetchObject` does).
   *
   * @throws BAD_INPUT for a key or hash that is none; UNAVAILABLE when nobody is there to sign
   */
  upload(key: string, about: { sha256: string; sizeBytes: number; mediaType: string }): Promise<SignedAddress>;

  /**
   * GETs, with ranges too.
   *
   * @throws BAD_INPUT for a key that is none; UNAVAILABLE when nobody is there to sign
   */
  download(key: string, options?: SignedDownloadOptions): Promise<SignedAddress>;
}

export interface SignedDownloadOptions {
  /** What a browser saves it as. */
  fileName?: string | undefined;
  /** Saved instead of shown. */
  attachment?: boolean | undefined;
  /** What the store says that it is. Default: what was stored. */
  mediaType?: string | undefined;
  /** How long the address works, seconds. */
  lifetimeS?: number | undefined;
}
