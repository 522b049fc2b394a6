// The views as pictures. Every number is there as text too.

const element = (name, fields = {}, ...children) => {
  const made = Object.assign(document.createElement(name), fields);
  made.append(...children);
  return made;
};

const MANY = 12;

/** Bars are kept by team, so that they grow and change places instead of being new. */
export function showTeams(list, goals) {
  const top = Object.entries(goals).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, MANY);
  const most = top[0]?.[1] ?? 1;
  const bars = new Map([...list.children].map((item) => [item.dataset.team, item]));
  const items = top.map(([team, count]) => {
    const item = bars.get(team) ?? newBar(team);
    item.querySelector(".bar").style.setProperty("--share", count / most);
    item.lastElementChild.textContent = count;
    return item;
  });
  list.replaceChildren(...(items.length ? items : [element("li", { textContent: "None yet." })]));
}

function newBar(team) {
  const item = element("li", {}, element("span", { textContent: team, title: team }), element("div", { className: "bar" }), element("span"));
  item.dataset.team = team;
  return item;
}

export function showMinutes(list, bars) {
  const most = Math.max(1, ...bars);
  const length = Math.max(18, bars.length);
  while (list.children.length < length) {
    const bar = list.children.length;
    const label = bar % 3 === 0 ? String(bar * 5) : "";
    list.append(
      element("li", {}, element("div", { className: "bar" }), element("span", { className: "label", textContent: label, ariaHidden: "true" }), element("span", { className: "hidden" })),
    );
  }
  for (const [bar, item] of [...list.children].entries()) {
    const count = bars[bar] ?? 0;
    const text = `minutes ${bar * 5 + 1} to ${bar * 5 + 5}: ${count} goals`;
    item.title = text;
    item.firstElementChild.style.setProperty("--share", count / most);
    item.lastElementChild.textContent = text;
  }
}

export function showEvents(list, events) {
  list.replaceChildren(
    ...events.map((event) => {
      const day = new Date(event.ts * 1000).toISOString().slice(0, 10);
      return element(
        "li",
        {},
        element("time", { dateTime: day, textContent: day }),
        element("span", { textContent: told(event) }),
        element("span", { className: "position", textContent: `@${event.position}` }),
      );
    }),
  );
}

function told({ type, data }) {
  switch (type) {
    case "match.result":
      return `${data.home_team} ${data.home_score} : ${data.away_score} ${data.away_team}, ${data.tournament}`;
    case "match.goal":
      return `${data.minute ?? "?"}′ ${data.scorer} scores for ${data.team}`;
    case "match.shootout":
      return `${data.winner} win the shoot-out, ${data.home_team} against ${data.away_team}`;
    default:
      return `${type} ${JSON.stringify(data)}`;
  }
}
