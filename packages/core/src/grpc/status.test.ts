import { describe, expect, test } from '@jest/globals';
import { status, type ServiceError } from '@grpc/grpc-js';
import { SoundstageError, type Reason } from '../errors.js';
import { fromServiceError, toStatus } from './status.js';

const overTheWire = (error: unknown) => fromServiceError(toStatus(error) as ServiceError);

describe('an error on its way to a client', () => {
  test.each<[Reason, status]>([
    ['BAD_INPUT', status.INVALID_ARGUMENT],
    ['NOT_FOUND', status.NOT_FOUND],
    ['ALREADY_EXISTS', status.ALREADY_EXISTS],
    ['CONFLICT', status.ABORTED],
    ['CANCELLED', status.CANCELLED],
    ['DEADLINE_EXCEEDED', status.DEADLINE_EXCEEDED],
    ['UNAUTHENTICATED', status.UNAUTHENTICATED],
    ['PERMISSION_DENIED', status.PERMISSION_DENIED],
    ['QUOTA_EXCEEDED', status.RESOURCE_EXHAUSTED],
    ['EXHAUSTED', status.RESOURCE_EXHAUSTED],
    ['UNAVAILABLE', status.UNAVAILABLE],
  ])('%s keeps its reason and its sentence', (reason, code) => {
    const error = new SoundstageError(reason, 'clip.mp4 has 9 hours; the limit is 4.');
    expect(toStatus(error).code).toBe(code);
    expect(overTheWire(error)).toMatchObject({ reason, message: error.message });
  });

  test('carries which field was wrong and when to try again', () => {
    const violations = [{ field: 'spec.seed', description: 'must not be negative' }];
    expect(overTheWire(new SoundstageError('BAD_INPUT', 'No.', { violations })).violations).toEqual(violations);
    expect(overTheWire(new SoundstageError('EXHAUSTED', 'Full.', { retryAfterMs: 2500 })).retryAfterMs).toBe(2500);
  });

  test('tells nothing of the inside when it is a defect of ours', () => {
    const seen = overTheWire(new TypeError("can't read /etc/secret"));
    expect(seen.reason).toBe('INTERNAL');
    expect(seen.message).not.toContain('secret');
  });
});

describe('anything that was thrown', () => {
  test('becomes a SoundstageError: aborted is cancelled, a full disk is exhausted, the rest is a defect', () => {
    expect(SoundstageError.from(AbortSignal.abort().reason).reason).toBe('CANCELLED');
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    expect(SoundstageError.from(full)).toMatchObject({ reason: 'EXHAUSTED', retryable: true });
    expect(SoundstageError.from('oops')).toMatchObject({ reason: 'INTERNAL', message: 'oops' });
  });
});
