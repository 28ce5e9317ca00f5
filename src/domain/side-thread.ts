/** Prefix of the keys of threads that serve one side request. Stored with the threads, so it must not change. */
export const SIDE_THREAD_PREFIX = 'side:';
