// What the clients have in common, in Node and in a browser.

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export function check(condition, what) {
  if (!condition) {
    throw new Error(what);
  }
}

/** Compares plain values. */
export function equal(found, expected, what = 'as expected') {
  const [left, right] = [found, expected].map((value) => JSON.stringify(value));
  check(left === right, `${what}: found ${left}, expected ${right}`);
}

/** Collects events, so that one can wait for them. */
export class Events {
  seen = [];
  #wake = () => {};

  push(event) {
    this.seen.push(event);
    this.#wake();
  }

  of(type) {
    return this.seen.filter((event) => event.type === type);
  }

  /** Waits until there are so many events of a type, and gives the last of them. */
  async until(type, count = 1) {
    const deadline = Date.now() + 60_000;
    while (this.of(type).length < count) {
      equal(this.of('error'), [], 'no errors');
      check(Date.now() < deadline, `waited for ${type}: ${this.seen.map((event) => event.type)}`);
      await Promise.race([new Promise((resolve) => (this.#wake = resolve)), sleep(1000)]);
    }
    equal(this.of('error'), [], 'no errors');
    return this.of(type)[count - 1];
  }
}
