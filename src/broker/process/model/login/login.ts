import type { JsonObject } from '../../../../domain/harness-event.ts';
import { asString, parseObject } from '../../../../domain/json.ts';
import type { LoginRenewal, UpstreamLogin } from '../../../protocol.ts';
import { readExpiry, readPath, withAnswer } from './login-fields.ts';
import { readLogin, writeLogin } from './login-file.ts';

/** How long before its end a token is renewed. Claude Code 2.1.330 and Codex 0.169.0 do it five minutes before (the first read in its program). */
const EARLY_MS = 300_000;

/** Why there is no token. The message is for the caller: it has no token and no path. */
export class LoginError extends Error {
  /** Whether another try may help without an operator. */
  readonly isPassing: boolean;

  constructor(message: string, isPassing: boolean) {
    super(message);
    this.name = 'LoginError';
    this.isPassing = isPassing;
  }
}

/** What a token end point has answered. */
export interface TokenAnswer {
  readonly status: number;
  readonly body: string;
}

/** What a login needs of its process. */
export interface LoginParts {
  /** Sends JSON to a token end point. Rejects if that cannot be reached. */
  readonly post: (url: string, body: JsonObject) => Promise<TokenAnswer>;
  /** The folder and name of the file for a renewed login that cannot be written to its own. */
  readonly spare: string;
  /** Hears, for the log, what an operator has to know. */
  readonly onNotice: (what: string) => void;
}

/** A token to use, with the headers that belong to it. */
export interface Granted {
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A login of the deployment. Its file is read for each request, so that a new login counts at once; its token is renewed before it ends, and once when the
 * provider refuses it, by one request at a time.
 */
export class Login {
  readonly #source: UpstreamLogin;
  readonly #parts: LoginParts;
  #renewing: Promise<Granted> | undefined;
  /** A refresh token that its provider has refused for good. */
  #dead: string | undefined;
  /** The last token that was made because the provider had refused the one before. */
  #madeForRefused: string | undefined;
  /** A renewed login that could be written nowhere, by the refresh token that it was made with. */
  #unwritten: { readonly used: string; readonly login: JsonObject } | undefined;

  constructor(source: UpstreamLogin, parts: LoginParts) {
    this.#source = source;
    this.#parts = parts;
  }

  /**
   * A token that has not ended.
   *
   * @throws LoginError
   */
  async grant(): Promise<Granted> {
    const login = await this.#read();
    const granted = this.#toGranted(login);
    const { renewal } = this.#source;
    const end = renewal === undefined ? undefined : readExpiry(login, granted.token, renewal);
    if (renewal === undefined || end === undefined || end - Date.now() > EARLY_MS) return granted;
    return this.#renew(granted.token).catch((error: unknown) => {
      // It is good for some minutes more, and the next request tries again.
      if (end > Date.now()) return granted;
      throw error;
    });
  }

  /**
   * The provider has refused a token. Resolves with whether there is another one now: not if that was made for this very reason.
   *
   * @throws LoginError
   */
  async replace(token: string): Promise<boolean> {
    if (this.#source.renewal === undefined || token === this.#madeForRefused) return false;
    const current = this.#toGranted(await this.#read());
    if (current.token !== token) return true;
    this.#madeForRefused = (await this.#renew(token)).token;
    return true;
  }

  /** @param ended the token to replace */
  #renew(ended: string): Promise<Granted> {
    this.#renewing ??= this.#askForToken(ended).finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #askForToken(ended: string): Promise<Granted> {
    const login = await this.#read();
    const current = this.#toGranted(login);
    // Another request, or another program with this file, was first.
    if (current.token !== ended) return current;
    const { renewal, program } = this.#source;
    const refreshToken = renewal && asString(readPath(login, renewal.refreshToken));
    if (renewal === undefined || refreshToken === undefined || refreshToken === '') {
      throw new LoginError(`The login of ${program} has ended and cannot be renewed. Log in again.`, false);
    }
    if (refreshToken === this.#dead) throw this.#toEnded();
    const renewed = await this.#exchange(login, renewal, refreshToken);
    return renewed === undefined ? this.#adopt(refreshToken) : this.#keep(renewed, renewal, refreshToken);
  }

  /** Resolves with the renewed login; `undefined` if the provider has refused the refresh token. */
  async #exchange(login: JsonObject, renewal: LoginRenewal, refreshToken: string): Promise<JsonObject | undefined> {
    const body = { grant_type: 'refresh_token', refresh_token: refreshToken, ...renewal.form };
    const answer = await this.#parts.post(renewal.url, body).catch((): undefined => undefined);
    if (answer?.status === 400 || answer?.status === 401) return undefined;
    const renewed =
      answer?.status === 200
        ? withAnswer(login, this.#source.accessToken, renewal, parseObject(answer.body) ?? {}, Date.now())
        : undefined;
    if (renewed !== undefined) return renewed;
    const why = answer === undefined ? 'cannot be reached' : `answered with status ${answer.status}`;
    this.#parts.onNotice(`The login of ${this.#source.program} was not renewed: its provider ${why}.`);
    throw new LoginError(`The login of ${this.#source.program} cannot be renewed now. Try again later.`, true);
  }

  /** What another program with the same file has made of a refresh token, which counts once only. */
  async #adopt(refused: string): Promise<Granted> {
    const login = await this.#read();
    const path = this.#source.renewal?.refreshToken ?? [];
    if (readPath(login, path) !== refused) return this.#toGranted(login);
    this.#dead = refused;
    this.#parts.onNotice(`The provider has refused to renew the login of ${this.#source.program}. Log in again.`);
    throw this.#toEnded();
  }

  async #keep(renewed: JsonObject, { refreshToken }: LoginRenewal, used: string): Promise<Granted> {
    // An operator has logged in meanwhile: that login is the deployment's now.
    const latest = await this.#read();
    if (readPath(latest, refreshToken) !== used) return this.#toGranted(latest);
    const { file, program } = this.#source;
    try {
      const isInPlace = await writeLogin({ file, spare: this.#parts.spare, refreshToken }, renewed);
      const why = 'as its own file cannot be written. Other programs cannot use that file any more';
      if (!isInPlace) this.#parts.onNotice(`The renewed login of ${program} is kept in the data folder, ${why}.`);
      this.#unwritten = undefined;
    } catch {
      // The reason may hold a path, and the first notice says what to do about the file.
      this.#unwritten = { used, login: renewed };
      this.#parts.onNotice(`The renewed login of ${program} cannot be written: after the next start, log in again.`);
    }
    return this.#toGranted(renewed);
  }

  async #read(): Promise<JsonObject> {
    const { file, renewal, program } = this.#source;
    try {
      const place = { file, spare: this.#parts.spare, ...(renewal && { refreshToken: renewal.refreshToken }) };
      const login = await readLogin(place);
      const { used, login: unwritten } = this.#unwritten ?? {};
      const isLater =
        renewal !== undefined && unwritten !== undefined && readPath(login, renewal.refreshToken) === used;
      return isLater ? unwritten : login;
    } catch {
      // The reason may hold the path of the file. The operator finds it in the home template.
      this.#parts.onNotice(`The login of ${program} in the home template cannot be read.`);
      throw new LoginError(`The login of ${program} cannot be read on this server.`, false);
    }
  }

  #toGranted(login: JsonObject): Granted {
    const { program, accessToken, headers = {} } = this.#source;
    const token = asString(readPath(login, accessToken));
    if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
      throw new LoginError(`The login of ${program} has no token. Log in again.`, false);
    }
    const others = Object.entries(headers).flatMap(([name, path]) => {
      const value = asString(readPath(login, path));
      return value === undefined ? [] : [[name, value] as const];
    });
    return { token, headers: { ...Object.fromEntries(others), authorization: `Bearer ${token}` } };
  }

  #toEnded(): LoginError {
    return new LoginError(
      `The login of ${this.#source.program} has ended: its provider does not renew it. Log in again.`,
      false,
    );
  }
}
