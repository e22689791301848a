// The policy of the page allows styles with its nonce alone. Some libraries
// make style elements and do not know it: they get it here.
export const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";

const create = Document.prototype.createElement;
Document.prototype.createElement = function (this: Document, name: string, options?: ElementCreationOptions) {
  const element = create.call(this, name, options);
  if (name.toLowerCase() === "style") element.setAttribute("nonce", nonce);
  return element;
} as typeof create;
