/** An error whose message is shown to the user. */
export class Failure extends Error {
  constructor(sentence: string, readonly canRetry: boolean) {
    super(sentence);
  }
}

export const unreachable = (service: string) =>
  new Failure(`The ${service} service cannot be reached. Try again in a moment.`, true);
