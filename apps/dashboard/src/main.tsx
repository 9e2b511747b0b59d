import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "./api/client.ts";
import "./app.css";
import { router } from "./router.tsx";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // The kernel says when something changed.
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        error instanceof ApiError && (error.status === 0 || error.status === 503) && failures < 3,
    },
  },
});

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
