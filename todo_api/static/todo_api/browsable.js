/* The browsable API without a session. sessionStorage keeps the pasted token in this tab, and every request below
   /api/ sends it as a header. The page in the response replaces the current page. */
"use strict";

(() => {
  const KEY = "todo_api.token";
  const find = (selector) => document.querySelector(selector);
  const token = () => sessionStorage.getItem(KEY);
  const currentPath = () => location.pathname + location.search;
  let latest = 0; // a late response to an older request is ignored

  /* Return the path and query of an address of this API, null for other addresses. */
  function apiPath(address) {
    const url = new URL(address, location.href);
    return url.host === location.host && url.pathname.startsWith("/api/") ? url.pathname + url.search : null;
  }

  async function request(path, method = "GET", body = "") {
    const number = ++latest;
    const headers = { Accept: "text/html" };
    if (token()) headers.Authorization = `Bearer ${token()}`;
    if (body) headers["Content-Type"] = "application/json";
    document.body.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(path, { method, headers, body: body || undefined, cache: "no-store" });
      const isPage = (response.headers.get("Content-Type") || "").startsWith("text/html");
      const text = await response.text();
      if (number !== latest) return;
      if (!isPage) throw new Error(`${response.status} ${response.statusText}: ${text.slice(0, 500)}`);
      replace(text);
      const content = find("[data-override=content]");
      if (body && content && !response.ok) content.value = body; // the user corrects it and sends it again
    } catch (error) {
      if (number !== latest) return;
      prepare();
      find("#message").textContent = `${method} ${path}: ${error.message}`;
      find("#message").hidden = false;
    }
  }

  function replace(text) {
    const page = new DOMParser().parseFromString(text, "text/html"); // its scripts do not run
    document.title = page.title;
    document.body.replaceWith(page.body);
    prepare();
    scroll(0, 0);
    find("h1").tabIndex = -1;
    find("h1").focus(); // a screen reader continues here
  }

  function prepare() {
    document.documentElement.classList.remove("waiting");
    document.body.removeAttribute("aria-busy");
    if (find("#token-form")) find("#token-form").hidden = false;
    find("#forget-token").hidden = !token();
    window.prettyPrint?.(); // colours
  }

  function open(path) {
    if (path !== currentPath()) history.pushState(null, "", path);
    request(path);
  }

  document.addEventListener("click", (event) => {
    if (event.target.id === "forget-token") {
      sessionStorage.removeItem(KEY);
      request(currentPath());
    }
    const link = event.target.closest("a[href]");
    const modified = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (!link || modified || !apiPath(link.href)) return;
    event.preventDefault();
    open(apiPath(link.href));
  });

  document.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    if (form.id === "token-form") {
      sessionStorage.setItem(KEY, find("#token").value.trim().replace(/^bearer\s+/i, ""));
      request(currentPath());
      return;
    }
    const method = event.submitter?.dataset.method || form.dataset.method || form.getAttribute("method");
    const content = form.querySelector("[data-override=content]");
    if (form.dataset.confirm && !confirm(form.dataset.confirm)) return;
    const { pathname, search } = new URL(form.action); // behind a proxy, form.action may name another host
    request(pathname + search, method, content ? content.value.trim() : "");
  });

  addEventListener("popstate", () => request(currentPath()));
  addEventListener("DOMContentLoaded", () => (token() ? request(currentPath()) : prepare()));
  document.documentElement.classList.toggle("waiting", Boolean(token()));
})();
