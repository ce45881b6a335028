/** One rule of a bucket's CORS configuration. https://cloud.google.com/storage/docs/cross-origin */
export interface CorsRule {
  origin: readonly string[];
  method: readonly string[];
  /** Headers that requests may carry and that pages may read of the answers. */
  responseHeader: readonly string[];
  maxAgeSeconds: number;
}

/** The rules with which pages of these origins can use signed addresses; docs/gcp.md shows how they are set. */
export function bucketCors(origins: readonly string[]): CorsRule[] {
  return [
    {
      origin: origins,
      method: ['GET', 'HEAD', 'POST', 'PUT'],
      responseHeader: [
        ...['Content-Type', 'Content-Length', 'Content-Range', 'Range', 'Location', 'ETag'],
        ...['x-goog-resumable', 'x-goog-if-generation-match', 'x-goog-content-length-range', 'x-goog-meta-sha256'],
      ],
      maxAgeSeconds: 3600,
    },
  ];
}
