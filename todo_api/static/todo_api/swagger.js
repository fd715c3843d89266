/* Starts Swagger UI with the service's document and SWAGGER_UI_SETTINGS. */
"use strict";

const root = document.querySelector("#swagger-ui");
const options = JSON.parse(document.querySelector("#options").textContent);
SwaggerUIBundle({ ...options, url: root.dataset.document, domNode: root, presets: [SwaggerUIBundle.presets.apis] });
