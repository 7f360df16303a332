// The elements that may have this role and accessible name: rather too many than too few, for the browser is asked about each.
const [role, name] = arguments;
const NATIVE = {
  button: "button, summary, input:is([type=button], [type=submit], [type=reset], [type=image])",
  cell: "td",
  checkbox: "input[type=checkbox]",
  combobox: "select, input[list]",
  group: "fieldset, details, optgroup, address, hgroup",
  heading: "h1, h2, h3, h4, h5, h6",
  link: "a[href], area[href]",
  progressbar: "progress",
  radio: "input[type=radio]",
  region: "section",
  searchbox: "input[type=search]",
  spinbutton: "input[type=number]",
  status: "output",
  textbox: "textarea, [contenteditable], input:not([type]), input:is([type=text], [type=email], [type=tel], [type=url])",
};
const NAMING = ["aria-label", "title", "alt", "placeholder", "value"];

// These are named by what is in them; the others only by attributes, labels and captions.
const NAMED_BY_CONTENT = ["button", "cell", "checkbox", "heading", "link", "menuitem", "option", "radio", "row", "switch", "tab"];

// All words that a name could be made of, those of other elements included.
function words(element) {
  const naming = [...(element.labels ?? []), ...element.querySelectorAll(":scope > :is(legend, caption, figcaption, summary)")];
  for (const id of (element.getAttribute("aria-labelledby") ?? "").split(/\s+/)) {
    const other = id && document.getElementById(id);
    if (other) naming.push(other);
  }
  if (NAMED_BY_CONTENT.includes(role)) naming.push(element);
  const parts = [element, ...naming.flatMap((part) => [part, ...part.querySelectorAll("*")])];
  const attributes = parts.flatMap((part) => NAMING.map((attribute) => part.getAttribute(attribute) ?? ""));
  return [...naming.map((part) => part.textContent), ...attributes].join(" ");
}

const wanted = (name ?? "").split(/\s+/).filter(Boolean);
const selector = `[role~="${role}"]${NATIVE[role] ? `, ${NATIVE[role]}` : ""}`;
return [...document.querySelectorAll(selector)].filter((element) => {
  if (!element.checkVisibility({ visibilityProperty: true }) || element.closest("[inert]")) return false;
  if (wanted.length === 0) return true;
  const all = words(element);
  return wanted.every((word) => all.includes(word));
});
