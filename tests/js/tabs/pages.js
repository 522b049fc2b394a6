// Pages that do as a test says: `call` answers what a function of api.js does.

/** Pages of a rig whose `run` gives results, or throws what was thrown there. */
export async function pagesOf(at, count) {
  const made = [];
  for (let n = 0; n < count; n += 1) {
    const { page, run } = await at.page("/tests/js/tabs/api.js");
    const call = async (name, ...args) => {
      const answer = await run(name, ...args);
      if (!answer?.attempted) return answer;
      if (!answer.error) return answer.result;
      throw Object.assign(new Error(answer.error.message), answer.error);
    };
    made.push({ page, run, call });
  }
  return made;
}

export const closeAll = (all) => Promise.all(all.map(({ page }) => page.close()));
export const n = (number) => ({ type: "n", data: { n: number } });
