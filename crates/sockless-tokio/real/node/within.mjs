// What the clients have in common: patience, and a line for each scenario.

export const PATIENCE = 60_000;

export function check(holds, why) {
  if (!holds) throw new Error(why);
}

export function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export const sleep = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));

// What waits until it is asked for.
export class Inbox {
  waiting = [];
  wanting = [];

  put(value) {
    const wanted = this.wanting.shift();
    wanted ? wanted(value) : this.waiting.push(value);
  }

  take(what = "receiving") {
    if (this.waiting.length > 0) return Promise.resolve(this.waiting.shift());
    return within(new Promise(resolve => this.wanting.push(resolve)), what);
  }
}

// Asks the program that has started this one to do something, and waits until it has.
const answers = new Inbox();
process.stdin.on("data", () => answers.put());

export function ask(what) {
  console.log(`ask\t${what}`);
  return answers.take(what);
}

// Runs scenarios; prints a line for each: its name, ok or FAILED, and what there is to say, parted by tabs.
export async function run(scenarios) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      console.log(`${name}\tok\t${(await scenario()) ?? ""}`);
    } catch (error) {
      console.log(`${name}\tFAILED\t${error?.message ?? error}`);
    }
  }
  process.exit(0);
}
