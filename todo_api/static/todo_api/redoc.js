/* Starts Redoc with the service's document. */
"use strict";

const root = document.querySelector("#redoc");
Redoc.init(root.dataset.document, {}, root);
